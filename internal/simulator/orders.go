package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// maximumOrders is how many orders, with their certificates, are remembered; a forgotten one is unknown.
const maximumOrders = 20_000

// order is an accepted request. It holds facts only; what GetCertificate answers is computed from them and the time.
type order struct {
	retrievalID string
	customerID  string
	operation   protocol.Operation
	acceptedAt  time.Time
	// certificate is what was decided at acceptance and is handed out later; nil when problem is set.
	certificate *x509.Certificate
	// problem is the failure that surfaces only at GetCertificate.
	problem *protocol.Problem
}

// orders are the accepted requests and the revocations of what they bought.
type orders struct {
	mutex    sync.Mutex
	accepted *bounded[order]
	bySerial *bounded[order]
	revoked  *bounded[time.Time]
}

func newOrders() *orders {
	return &orders{
		accepted: newBounded[order](maximumOrders),
		bySerial: newBounded[order](maximumOrders),
		revoked:  newBounded[time.Time](maximumOrders),
	}
}

// add remembers an order under a new RetrievalId, which it returns.
func (o *orders) add(made order) string {
	made.retrievalID = rand.Text()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.accepted.put(made.retrievalID, made)
	if made.certificate != nil {
		o.bySerial.put(serialOf(made.certificate), made)
	}
	return made.retrievalID
}

// find gives the order of a RetrievalId.
func (o *orders) find(retrievalID string) (order, bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.accepted.get(retrievalID)
}

// ready says whether the certificate can be fetched now: not before the minimum delay, and not before the service
// has worked on the order. nil means yes.
func (o order) ready(now time.Time, minimum, processing time.Duration) *protocol.Problem {
	if earliest := o.acceptedAt.Add(minimum); now.Before(earliest) {
		return protocol.Technical(fmt.Sprintf("fetched before %s, %s after the acceptance",
			earliest.UTC().Format(time.RFC3339), minimum))
	}
	if done := o.acceptedAt.Add(processing); now.Before(done) {
		return protocol.Technical("the order is being processed until " + done.UTC().Format(time.RFC3339))
	}
	return o.problem
}

// certificates lists what has been issued by now, oldest first.
func (o *orders) certificates(now time.Time) []admin.Certificate {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	listed := []admin.Certificate{}
	for _, made := range o.bySerial.all() {
		if made.certificate.NotBefore.After(now) {
			continue
		}
		entry := describe(made)
		if at, revoked := o.revoked.get(entry.Serial); revoked {
			entry.RevokedAt = &at
		}
		listed = append(listed, entry)
	}
	return listed
}

// revoke revokes a certificate by its serial number in hexadecimal; false means that it is not known here. A second
// revocation changes nothing.
func (o *orders) revoke(serial string, now time.Time) (admin.Certificate, bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	made, known := o.bySerial.get(serial)
	if !known {
		return admin.Certificate{}, false
	}
	at, revoked := o.revoked.get(serial)
	if !revoked {
		at = now
		o.revoked.put(serial, at)
	}
	entry := describe(made)
	entry.RevokedAt = &at
	return entry, true
}

// isRevoked says whether revoke was called for the certificate.
func (o *orders) isRevoked(certificate *x509.Certificate) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	_, revoked := o.revoked.get(serialOf(certificate))
	return revoked
}

func describe(made order) admin.Certificate {
	return admin.Certificate{
		Serial:          serialOf(made.certificate),
		CustomerID:      made.customerID,
		Operation:       string(made.operation),
		RetrievalID:     made.retrievalID,
		NotBefore:       made.certificate.NotBefore,
		NotAfter:        made.certificate.NotAfter,
		PublicKeyDigest: keyDigest(made.certificate.PublicKey),
		PEM:             string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.certificate.Raw})),
	}
}

// serialOf is a serial number as the admin interface writes it: hexadecimal, lower case.
func serialOf(certificate *x509.Certificate) string { return certificate.SerialNumber.Text(16) }

// keyDigest is the SHA-256 of a public key's SubjectPublicKeyInfo in hexadecimal; empty for an unknown kind of key.
func keyDigest(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Package ordertest makes orders, issuers and responses of the certificate service for the tests of the decisions.
package ordertest

import (
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// What the issuer, the request and the orders of the tests have in common.
const (
	Customer     = "0123456-7"
	Window       = 1440 * time.Hour
	Timeout      = 24 * time.Hour
	OurRequest   = types.UID("request-1")
	OtherRequest = types.UID("request-2")
	RetrievalID  = "retrieval-1"
	TransferID   = "digest-of-the-transfer-id"
	Password     = "aaaa"
	TrustDigest  = "bundles-1"
	Generation   = int64(1)
)

var (
	// Now is when everything happens unless a test says otherwise.
	Now = pkitest.Now
	// OurKey is the digest of the public key that the plain order is for.
	OurKey = DigestOf("ours")
	// OtherKey is that of another one.
	OtherKey = DigestOf("another's")
)

// The service's refusals.
var (
	PKI005 = Refusal(protocol.CodeWrongEnvironment)
	PKI010 = Refusal(protocol.CodeSignature)
	PKI015 = Refusal(protocol.CodeCertificate)
	PKI020 = Refusal(protocol.CodeCredentials)
	PKI030 = Refusal(protocol.CodeRequest)
	PKI080 = Refusal(protocol.CodeTooEarly)
	PKI099 = Refusal(protocol.CodeTechnical)
)

// Refusal is the service's response with a code, in its own words.
func Refusal(code protocol.Code) *protocol.ServiceError {
	e := &protocol.ServiceError{Code: code}
	meaning, _ := e.Meaning()
	e.Text = meaning.Text
	return e
}

var digests sync.Map

// DigestOf is the digest of the public key with a name.
func DigestOf(keyName string) string {
	if digest, known := digests.Load(keyName); known {
		return digest.(string)
	}
	digest, err := pki.PublicKeyDigest(pkitest.Key(keyName).Public())
	if err != nil {
		panic(err)
	}
	digests.Store(keyName, digest)
	return digest
}

// LeafUntil makes a certificate for a key, as the service would issue it.
func LeafUntil(t testing.TB, keyName string, notAfter time.Time) *x509.Certificate {
	t.Helper()
	root := pkitest.Root(t, "issuing CA")
	return root.Issue(t, pkitest.Key(keyName), Customer, pkitest.Dates(notAfter.AddDate(-2, 0, 0), notAfter))
}

// What a call can end with besides a refusal.
var (
	ErrUnknown     = errors.New("unknown signer")
	ErrUnreachable = &protocol.UnreachableError{Host: "pkiws.vero.fi:443", Err: errors.New("connection refused")}
	ErrNoResponse  = &protocol.InterruptedError{Timeout: true}
	ErrUntrusted   = &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Signer: &x509.Certificate{}, Err: ErrUnknown}
	ErrUnverified  = &protocol.UnverifiedError{Err: ErrUntrusted}
	ErrUnknownCode = &protocol.ServiceError{Code: "PKI777", Text: "Something new"}
)

// WrongCertificate says that what GetCertificate has borne is not what was asked for.
func WrongCertificate(reason pki.IssuedReason) error {
	return &pki.IssuedError{Reason: reason, Err: &pki.ChainError{
		Certificate: &x509.Certificate{}, Err: errors.New("its public key is another")}}
}

package backend

import (
	"crypto/sha256"
	"fmt"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/internal/lru"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// mostExamined bounds of how many signing requests it is kept what was found.
const mostExamined = 2048

// examined judges signing requests, each of which is looked at several times until its certificate is there: what was
// found in one that can be satisfied follows from its bytes and the customer alone, and is kept. Nothing is kept of
// others, which people mend.
type examined struct {
	once  sync.Once
	found *lru.Cache[examinedRequest, findings]
}

// examinedRequest is what the findings follow from.
type examinedRequest struct {
	csr        [sha256.Size]byte
	customerID string
}

// findings are those in a signing request that the service can satisfy.
type findings struct{ publicKeyDigest, caution string }

// judge judges the signing request of a request. What cannot even be parsed has no key, and no order.
func (e *examined) judge(snapshot *plan.Snapshot, request *cmapi.CertificateRequest) error {
	e.once.Do(func() { e.found = lru.New[examinedRequest, findings](mostExamined) })
	key := examinedRequest{csr: sha256.Sum256(request.Spec.Request), customerID: snapshot.Issuer.CustomerID}
	kept, known := e.found.Get(key)
	if !known || !snapshot.Issuer.Exists {
		if err := examine(snapshot, request); err != nil {
			return err
		}
		kept = findings{publicKeyDigest: snapshot.Request.PublicKeyDigest, caution: snapshot.Request.Caution}
		if snapshot.Issuer.Exists && snapshot.Request.Invalid == "" {
			e.found.Add(key, kept)
		}
	}
	snapshot.Request.PublicKeyDigest, snapshot.Request.Caution = kept.publicKeyDigest, kept.caution
	if snapshot.Issuer.Exists && kept.publicKeyDigest != "" && request.Spec.IsCA {
		snapshot.Request.Invalid = "spec.isCA is true, and the certificate service issues no authorities: " +
			"remove spec.isCA from the Certificate"
	}
	return nil
}

// examine finds out what is in a signing request, and as far as its issuer exists, whether that can be satisfied.
func examine(snapshot *plan.Snapshot, request *cmapi.CertificateRequest) error {
	csr, err := pki.ParseCertificateRequest(request.Spec.Request)
	if err != nil {
		snapshot.Request.Invalid = fmt.Sprintf(
			"spec.request cannot be read: %v; it has to be one PEM block of the type CERTIFICATE REQUEST", err)
		return nil
	}
	digest, err := pki.PublicKeyDigest(csr.PublicKey)
	if err != nil {
		return fmt.Errorf("digest the public key of spec.request: %w", err)
	}
	snapshot.Request.PublicKeyDigest = digest
	if !snapshot.Issuer.Exists {
		return nil
	}
	if err := pki.CheckCertificateRequest(csr, snapshot.Issuer.CustomerID); err != nil {
		snapshot.Request.Invalid = err.Error()
	}
	snapshot.Request.Caution = pki.KeyCaution(csr)
	return nil
}

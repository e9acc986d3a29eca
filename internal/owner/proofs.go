package owner

import (
	"bytes"
	"context"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// proofHolds is how long what was proved is believed. Whoever deletes a Certificate in these seconds has its request
	// deleted, too, by the garbage collector; that one is read again.
	proofHolds = 10 * time.Second
	// mostProofs bounds how many are kept.
	mostProofs = 1024
)

// Proofs lets what was found out about a request before its order was made be believed once more, right after that.
// Keys are not kept. A nil one keeps nothing.
type Proofs struct {
	clock clock.PassiveClock
	kept  *lru.Cache
}

// proof is that a Certificate vouches for a request, as both were at a moment.
type proof struct {
	request     *cmapi.CertificateRequest
	certificate *cmapi.Certificate
	at          time.Time
}

// NewProofs makes one that knows nothing yet.
func NewProofs(source clock.PassiveClock) *Proofs {
	return &Proofs{clock: source, kept: lru.New(mostProofs)}
}

// Of is the function Of, and keeps that a Certificate vouches for the request.
func (p *Proofs) Of(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (Owner, error) {
	if p == nil {
		return Of(ctx, reader, request)
	}
	began := p.clock.Now()
	found, err := Of(ctx, reader, request)
	p.kept.Remove(request.UID)
	if err == nil && found.Certificate != nil && found.Problem == "" {
		p.kept.Add(request.UID, proof{request: claims(request), certificate: found.Certificate, at: began})
	}
	return found, err
}

// Take is what Of has found out in the last seconds, once; then it is found out anew.
func (p *Proofs) Take(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (Owner, error) {
	if p == nil {
		return Of(ctx, reader, request)
	}
	found, _ := p.kept.Get(request.UID)
	p.kept.Remove(request.UID)
	proved, known := found.(proof)
	age := p.clock.Since(proved.at)
	if !known || age < 0 || age > proofHolds || !proved.holdsFor(request) {
		return Of(ctx, reader, request)
	}
	return Owner{Certificate: proved.certificate}, nil
}

// claims are what a request says of itself that has to be proved.
func claims(request *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	kept := &cmapi.CertificateRequest{}
	kept.OwnerReferences = request.DeepCopy().OwnerReferences
	kept.Spec.IssuerRef, kept.Spec.Request = request.Spec.IssuerRef, bytes.Clone(request.Spec.Request)
	return kept
}

// holdsFor reports whether a request claims what was proved.
func (p proof) holdsFor(request *cmapi.CertificateRequest) bool {
	one, other := controllingCertificate(p.request), controllingCertificate(request)
	return one != nil && other != nil && one.UID == other.UID && one.Name == other.Name &&
		p.request.Spec.IssuerRef == request.Spec.IssuerRef && bytes.Equal(p.request.Spec.Request, request.Spec.Request)
}

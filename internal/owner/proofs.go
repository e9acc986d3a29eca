package owner

import (
	"context"
	"crypto/sha256"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/lru"
)

const (
	// proofHolds is how long what was proved is believed. Whoever deletes a Certificate in these seconds has its request
	// deleted, too, by the garbage collector; that one is read again.
	proofHolds = 10 * time.Second
	// mostProofs and largestProof bound how many are kept, and how large the Certificate of each may be, in bytes of JSON.
	mostProofs, largestProof = 1024, 16 << 10
)

// Proofs lets what was found out about a request before its order was made be believed once more, right after that.
// Keys are not kept. A nil one keeps nothing.
type Proofs struct {
	clock clock.PassiveClock
	kept  *lru.Cache[types.UID, proof]
}

// proof is that a Certificate vouches for a request, as both were at a moment.
type proof struct {
	claims      claims
	certificate *cmapi.Certificate
	at          time.Time
}

// NewProofs makes one that knows nothing yet.
func NewProofs(source clock.PassiveClock) *Proofs {
	return &Proofs{clock: source, kept: lru.New[types.UID, proof](mostProofs)}
}

// Of is the function Of, and keeps that a Certificate vouches for the request.
func (p *Proofs) Of(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (Owner, error) {
	if p == nil {
		return Of(ctx, reader, request)
	}
	began := p.clock.Now()
	found, err := Of(ctx, reader, request)
	p.kept.Remove(request.UID)
	if err == nil && found.Certificate != nil && found.Problem == "" && lru.Fits(found.Certificate, largestProof) {
		p.kept.Add(request.UID, proof{claims: claimsOf(request), certificate: found.Certificate, at: began})
	}
	return found, err
}

// Take is what Of has found out in the last seconds, once; then it is found out anew.
func (p *Proofs) Take(ctx context.Context, reader client.Reader, request *cmapi.CertificateRequest) (Owner, error) {
	if p == nil {
		return Of(ctx, reader, request)
	}
	proved, known := p.kept.Get(request.UID)
	p.kept.Remove(request.UID)
	age := p.clock.Since(proved.at)
	if !known || age < 0 || age > proofHolds || proved.claims != claimsOf(request) {
		return Of(ctx, reader, request)
	}
	return Owner{Certificate: proved.certificate}, nil
}

// claims are what a request says of itself that has to be proved.
type claims struct {
	owner   types.UID
	name    string
	issuer  cmmeta.IssuerReference
	request [sha256.Size]byte
}

// claimsOf are those of a request; without an owner they are those of nobody.
func claimsOf(request *cmapi.CertificateRequest) claims {
	owner := controllingCertificate(request)
	if owner == nil {
		return claims{}
	}
	return claims{
		owner: owner.UID, name: owner.Name,
		issuer: request.Spec.IssuerRef, request: sha256.Sum256(request.Spec.Request),
	}
}

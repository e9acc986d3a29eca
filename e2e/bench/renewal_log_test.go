package bench

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// serviceLog is what the service itself has noted of the benchmark, by RetrievalId and by serial number.
type serviceLog struct {
	asked     []admin.Request
	accepted  map[string]admin.Request
	ordered   map[string]admin.Request
	expiresAt map[string]time.Time
}

// check fails unless the service has refused nothing, was asked for no certificate within 10 s of its acceptance and
// for no renewal outside the window, has sold one certificate per Certificate, and was asked for every other one in a
// renewal that the certificate which was in the same Secret before has signed.
func (l *serviceLog) check(b *testing.B, worn map[string][]*x509.Certificate) {
	b.Helper()
	sold := 0
	for _, request := range l.asked {
		if !request.Accepted {
			b.Errorf("the service has refused a %s with %s: %s", request.Operation, request.Code, request.Detail)
		}
		switch request.Operation {
		case "GetCertificate":
			l.checkFirstGet(b, request)
		case "RenewCertificate":
			l.checkWindow(b, request)
		default:
			sold++
		}
	}
	if sold != hundred {
		b.Errorf("the service was sent transfer credentials %d times, want %d", sold, hundred)
	}
	for name, certificates := range worn {
		l.checkLineage(b, name, certificates)
	}
}

func readLog(b *testing.B, service *world.Service) *serviceLog {
	b.Helper()
	asked := must.Get(service.Requests(b.Context(), "", ""))(b)
	issued := must.Get(service.Certificates(b.Context()))(b)
	log := &serviceLog{asked: asked, accepted: map[string]admin.Request{}, ordered: map[string]admin.Request{},
		expiresAt: map[string]time.Time{}}
	for _, request := range asked {
		if request.Accepted && request.Operation != "GetCertificate" {
			log.accepted[request.RetrievalID], log.ordered[request.CertificateSerial] = request, request
		}
	}
	for _, certificate := range issued {
		log.expiresAt[certificate.Serial] = certificate.NotAfter
	}
	return log
}

// checkFirstGet is about a GetCertificate.
func (l *serviceLog) checkFirstGet(b *testing.B, get admin.Request) {
	b.Helper()
	accepted, known := l.accepted[get.RetrievalID]
	if waited := get.Time.Sub(accepted.Time); !known || waited < firstGet {
		b.Errorf("RetrievalId %s (known: %t) was asked for %s after its acceptance", get.RetrievalID, known, waited)
	}
}

// checkWindow is about a RenewCertificate.
func (l *serviceLog) checkWindow(b *testing.B, renewal admin.Request) {
	b.Helper()
	expires, known := l.expiresAt[renewal.SignerSerial]
	if left := expires.Sub(renewal.Time); !known || left > window || left <= 0 {
		b.Errorf("a renewal came when certificate %s had %s left (known: %t)", renewal.SignerSerial, left, known)
	}
}

// checkLineage is about the certificates that a Secret has held.
func (l *serviceLog) checkLineage(b *testing.B, secret string, certificates []*x509.Certificate) {
	b.Helper()
	for i, certificate := range certificates {
		order := l.ordered[serialOf(certificate)]
		if i == 0 && order.Operation != "SignNewCertificate" {
			b.Errorf("the first certificate of Secret %s was ordered with %q", secret, order.Operation)
		}
		if i > 0 && order.SignerSerial != serialOf(certificates[i-1]) {
			b.Errorf("certificate %d of Secret %s was ordered with %q, signed by %q, not by the one before", i+1, secret,
				order.Operation, order.SignerSerial)
		}
	}
}

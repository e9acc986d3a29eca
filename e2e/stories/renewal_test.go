package stories

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// span is a life of certificates in which years fit into seconds.
type span struct {
	// life is how long they are valid, window how long before their end the service renews them, and renewBefore how
	// long before it cert-manager asks for that.
	life, window, renewBefore time.Duration
}

// quick certificates are renewed every 20 seconds, and outlast their renewal by far.
var quick = span{life: 2 * time.Minute, window: 105 * time.Second, renewBefore: 100 * time.Second}

// begin starts a test case whose service issues such certificates.
func (p span) begin(t *testing.T) *testCase {
	t.Helper()
	return begin(t, "--validity="+p.life.String(), "--renewal-window="+p.window.String(), "--processing-delay=1s")
}

// issuer is the sample issuer, which knows the window.
func (p span) issuer(s *testCase) *v1alpha1.VeroIssuer {
	s.Helper()
	issuer := s.Issuer()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: p.window}
	return issuer
}

// certificate is the sample Certificate, asked to be renewed in time.
func (p span) certificate(s *testCase) *cmapi.Certificate {
	s.Helper()
	certificate := s.Certificate()
	certificate.Spec.RenewBefore = &metav1.Duration{Duration: p.renewBefore}
	return certificate
}

// order creates all that a first certificate of that span needs.
func (p span) order(s *testCase, certificate *cmapi.Certificate) {
	s.Helper()
	s.Create(s.Trust(), p.issuer(s), s.Credentials(s.Mint()), certificate)
}

// start starts a test case with the sample Certificate of that span.
func (p span) start(t *testing.T) *testCase {
	t.Helper()
	s := p.begin(t)
	p.order(s, p.certificate(s))
	return s
}

// awaitFirst waits for the first certificate and deletes the transfer credentials: from now on nothing can be bought.
func (s *testCase) awaitFirst() *issued {
	s.Helper()
	first := s.awaitReady(certificateName)
	s.Remove(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: transferName}})
	return first
}

// awaitRenewed waits until the Secret holds another certificate than before, and reads it as awaitReady does.
func (s *testCase) awaitRenewed(before *issued) *issued {
	s.Helper()
	key := s.secretKey()
	s.Eventually("Secret "+key.Name+": renewed", func(ctx context.Context) (bool, error) {
		secret := &corev1.Secret{}
		if err := s.Client.Get(ctx, key, secret); err != nil {
			return false, err
		}
		chain := testkit.ParseCertificates(secret.Data[corev1.TLSCertKey])
		return len(chain) > 0 && !chain[0].Equal(before.chain[0]), nil
	})
	return s.awaitReady(certificateName)
}

// awaitRenewals waits until the Secret holds a certificate that is so many renewals away from the first, or more, and
// returns the line of the first.
func (s *testCase) awaitRenewals(first *issued, times int) []admin.Request {
	s.Helper()
	root := s.rootOfService()
	what := fmt.Sprintf("%d renewals of Secret %s", times, s.secretKey().Name)
	var last presentation
	s.Eventually(what, func(ctx context.Context) (bool, error) {
		var err error
		if last, err = s.present(ctx, root); err != nil {
			return false, err
		}
		renewals, err := s.Service.Requests(ctx, renew, "")
		return generation(renewals, last.serial) >= times, err
	})
	line := s.lineOf(first)
	if !slices.ContainsFunc(line, func(order admin.Request) bool { return order.CertificateSerial == last.serial }) {
		s.Fatalf("the Secret holds certificate %s, want one that comes from the first of its own: %+v", last.serial, line)
	}
	return line
}

// generation is how many renewals have led to a certificate.
func generation(renewals []admin.Request, serial string) int {
	times := 0
	for _, renewal := range slices.Backward(renewals) {
		if renewal.Accepted && renewal.CertificateSerial == serial {
			times++
			serial = renewal.SignerSerial
		}
	}
	return times
}

// lineOf is the accepted requests for a first certificate, for the one that was signed for with it, and so on. It fails
// the test case if the service has refused a renewal, or has accepted two of the same certificate.
func (s *testCase) lineOf(first *issued) []admin.Request {
	s.Helper()
	var line []admin.Request
	for _, submission := range s.Accepted() {
		if submission.CertificateSerial == serialNumber(first.chain[0]) {
			line = append(line, submission)
		}
	}
	if len(line) != 1 {
		s.Fatalf("the first certificate was bought with %+v, want one SignNewCertificate", line)
	}
	signers := map[string]bool{}
	for _, renewal := range s.Asked(renew) {
		if !renewal.Accepted || signers[renewal.SignerSerial] {
			s.Fatalf("want every renewal accepted, and one for each certificate; this one is not: %+v", renewal)
		}
		signers[renewal.SignerSerial] = true
		if renewal.SignerSerial == line[len(line)-1].CertificateSerial {
			line = append(line, renewal)
		}
	}
	return line
}

// awaitKeys waits until the line of a first certificate has so many keys, and returns it. On a busy machine
// cert-manager takes a key that it has not cleared away yet for the next certificate: then it takes a renewal more.
func (s *testCase) awaitKeys(first *issued, keys int) []admin.Request {
	s.Helper()
	var line []admin.Request
	s.Eventually(fmt.Sprintf("renewals with %d keys", keys), thatHolds(func() bool {
		line = s.lineOf(first)
		return distinct(line, boughtKey) >= keys
	}))
	return line
}

// distinct counts the values of something among requests.
func distinct(requests []admin.Request, of func(admin.Request) string) int {
	found := map[string]bool{}
	for _, request := range requests {
		found[of(request)] = true
	}
	return len(found)
}

func boughtSerial(order admin.Request) string { return order.CertificateSerial }

func boughtKey(order admin.Request) string { return order.PublicKeyDigest }

package stories

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Certificates of a service that misbehaves when they are renewed: that is 20 seconds after they were made, and they
// outlast every fault.
const (
	life        = 20 * time.Minute
	window      = life - 15*time.Second
	renewBefore = life - 20*time.Second
)

func TestWhatTheServiceDoesWrongEndsAsThePageSays(t *testing.T) {
	t.Parallel()
	for _, fault := range serviceFaults() {
		for operation, outcome := range fault.outcomes {
			t.Run(operation+", the service "+fault.when, func(t *testing.T) {
				t.Parallel()
				fault.run(t, operation, outcome)
			})
		}
	}
}

// run runs one cell of the table: one fault, in one operation.
func (f serviceFault) run(t *testing.T, operation string, outcome outcome) {
	t.Helper()
	s, bought := f.begin(t, operation)
	if operation == get && f.fault.Kind == "" {
		s.expect(expectation{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{"has accepted the request"}})
		f.pauseBefore(s, operation, get)
	}
	var before *issued
	if operation == renew {
		before = s.awaitReady(certificateName)
		if f.earlier {
			before = s.awaitRenewed(before)
		}
		f.pauseBefore(s, operation, renew)
	}
	outcome.follow(s, f.says...)
	f.resume(s)
	if before != nil {
		s.awaitRenewed(before)
		s.sentSameRenewal(outcome)
	}
	s.endsReady()
	s.spends(outcome.spent, bought)
	if f.fault.Kind != "" {
		s.called(operation, bought, outcome)
	}
}

// begin creates what the row begins with, the sample Certificate last, and returns how many certificates are bought by
// that on purpose.
func (f serviceFault) begin(t *testing.T, operation string) (s *testCase, bought int) {
	t.Helper()
	s, bought = beginRow(t, f.arguments(operation)...), 1
	if f.fault.Kind != "" {
		fault := f.fault
		fault.Operation = operation
		s.Script(fault)
	}
	issuer, certificate := s.Issuer(), s.Certificate()
	if operation == renew {
		issuer.Spec.RenewalWindow = &metav1.Duration{Duration: window}
		certificate.Spec.RenewBefore = &metav1.Duration{Duration: renewBefore}
	}
	s.prepare(issuer)
	if f.earlier && operation != renew {
		s.buyAnother()
		bought++
	}
	f.pauseBefore(s, operation, signNew)
	s.Create(certificate)
	return s, bought
}

// called fails the test case unless the service was sent as many requests as the fault makes necessary, and asked for
// the certificate once more if that is where it struck. Renewals go on, and are not counted.
func (s *testCase) called(operation string, bought int, outcome outcome) {
	s.Helper()
	if sent := s.submissions(); operation != renew && len(sent) != bought+outcome.repeats[operation] {
		s.Errorf("the service was sent %d SignNewCertificate, want %d: %+v",
			len(sent), bought+outcome.repeats[operation], sent)
	}
	if polls := s.polls(); operation == get && len(polls) != bought+1 {
		s.Errorf("the service was asked for the certificate %d times, want %d: %+v", len(polls), bought+1, polls)
	}
}

// sentSameRenewal fails the test case unless a renewal that is repeated is the same one: for the same key, signed with
// the same certificate.
func (s *testCase) sentSameRenewal(outcome outcome) {
	s.Helper()
	sent := s.Asked(renew)
	hit := slices.IndexFunc(sent, func(r admin.Request) bool { return r.Fault != "" && r.PublicKeyDigest != "" })
	if outcome.repeats[renew] == 0 || hit < 0 { // it was not read, or met no fault of the service itself
		return
	}
	if hit+1 == len(sent) || sent[hit].SignerSerial != sent[hit+1].SignerSerial ||
		sent[hit].PublicKeyDigest != sent[hit+1].PublicKeyDigest || !sent[hit+1].Accepted {
		s.Errorf("the renewals are %+v, want the same one twice", sent)
	}
}

// arguments of the service: certificates that are renewed at once where that is what the row is about, and ones that
// take a while where the service has to be paused before they are fetched.
func (f serviceFault) arguments(operation string) []string {
	switch {
	case operation == renew:
		return []string{"--validity=" + life.String(), "--renewal-window=" + window.String(), "--processing-delay=1s"}
	case operation == get && f.fault.Kind == "":
		return []string{"--processing-delay=30s"}
	default:
		return nil
	}
}

// pauseBefore pauses the service's process when the call to the operation is next; without a fault that is what
// happens.
func (f serviceFault) pauseBefore(s *testCase, operation, next string) {
	s.Helper()
	if f.fault.Kind != "" || next != operation {
		return
	}
	must.Do(s, s.Service.Process.Pause())
}

func (f serviceFault) resume(s *testCase) {
	s.Helper()
	if f.fault.Kind != "" {
		return
	}
	must.Do(s, s.Service.Process.Resume())
}

// buyAnother lets another Certificate of the namespace get ready first, with credentials of its own.
func (s *testCase) buyAnother() {
	s.Helper()
	const name = "earlier"
	other, credentials := s.Certificate(), s.Credentials(s.Mint())
	other.Name, other.Spec.SecretName, credentials.Name = name, name+"-tls", name
	other.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: name}
	s.Create(credentials, other)
	s.awaitReady(name)
}

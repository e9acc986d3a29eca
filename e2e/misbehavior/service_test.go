package misbehavior

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Certificates of a service that misbehaves when they are renewed: that is 20 seconds after they were made, and they
// outlast every trouble.
const (
	life        = 20 * time.Minute
	window      = life - 15*time.Second
	renewBefore = life - 20*time.Second
)

// playTroubles plays the rows about the certificate service, for each operation.
func playTroubles(t *testing.T) {
	t.Parallel()
	for _, trouble := range troubles() {
		for operation, outcome := range trouble.outcomes {
			t.Run(operation+", the service "+trouble.when, func(t *testing.T) {
				t.Parallel()
				trouble.play(t, operation, outcome)
			})
		}
	}
}

// play plays one cell of the table: one misbehavior, in one operation.
func (r trouble) play(t *testing.T, operation string, outcome outcome) {
	t.Helper()
	s := begin(t, r.service(operation)...)
	if r.fault.Kind != "" {
		fault := r.fault
		fault.Operation = operation
		s.Script(fault)
	}
	issuer, certificate := s.Issuer(), s.Certificate()
	if operation == renew {
		issuer.Spec.RenewalWindow = &metav1.Duration{Duration: window}
		certificate.Spec.RenewBefore = &metav1.Duration{Duration: renewBefore}
	}
	s.settle(issuer)
	bought := 1
	if r.earlier && operation != renew {
		s.buyAnother()
		bought++
	}
	silent := r.silence(s, operation)
	silent(signNew)
	s.Create(certificate)
	if operation == get && r.fault.Kind == "" {
		s.awaitTold(told{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{"has accepted the request"}})
		silent(get)
	}
	if operation != renew {
		outcome.pursue(s, r.says...)
		r.recover(s)
		s.awaitReady(certificateName, nil)
		s.spends(outcome.spent, bought)
		return
	}
	before := s.awaitReady(certificateName, nil)
	if r.earlier {
		before = s.awaitReady(certificateName, before)
	}
	silent(renew)
	outcome.pursue(s, r.says...)
	r.recover(s)
	s.awaitReady(certificateName, before)
	s.spends(outcome.spent, bought)
}

// service is the arguments of the service: certificates that are renewed at once where that is what is played, and ones
// that take a while where the service has to be silenced before they are fetched.
func (r trouble) service(operation string) []string {
	switch {
	case operation == renew:
		return []string{"--validity=" + life.String(), "--renewal-window=" + window.String(), "--processing-delay=1s"}
	case operation == get && r.fault.Kind == "":
		return []string{"--processing-delay=30s"}
	default:
		return nil
	}
}

// silence stops the service's process when the call to the operation is next; without a fault that is what happens.
func (r trouble) silence(s *story, operation string) func(next string) {
	return func(next string) {
		s.Helper()
		if r.fault.Kind != "" || next != operation {
			return
		}
		if err := s.Service.Process.Pause(); err != nil {
			s.Fatal(err)
		}
	}
}

func (r trouble) recover(s *story) {
	s.Helper()
	if r.fault.Kind != "" {
		return
	}
	if err := s.Service.Process.Resume(); err != nil {
		s.Fatal(err)
	}
}

// buyAnother lets another Certificate of the namespace get ready first, with credentials of its own.
func (s *story) buyAnother() {
	s.Helper()
	const name = "earlier"
	other := s.Certificate()
	other.Name, other.Spec.SecretName = name, name+"-tls"
	other.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: name}
	s.Create(s.credentials(name), other)
	s.awaitReady(name, nil)
}

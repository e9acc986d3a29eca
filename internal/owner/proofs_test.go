package owner_test

import (
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/owner"
)

// TestAProofIsBelievedOnceForSeconds, and of the same claims only.
func TestAProofIsBelievedOnceForSeconds(t *testing.T) {
	for claim, c := range map[string]struct {
		after    time.Duration
		change   func(*issuance)
		times    int
		believed bool
	}{
		"at once":             {times: 1, believed: true},
		"ten seconds later":   {after: 10 * time.Second, times: 1, believed: true},
		"not after that":      {after: 11 * time.Second, times: 1},
		"not twice":           {times: 2},
		"not by another time": {after: -time.Second, times: 1},
		"not of another owner": {times: 1, change: func(i *issuance) {
			i.request.OwnerReferences[0].UID = "another"
		}},
		"not of another issuer": {times: 1, change: func(i *issuance) { i.request.Spec.IssuerRef.Name = "another" }},
		"not of another key":    {times: 1, change: func(i *issuance) { i.request.Spec.Request = nil }},
	} {
		t.Run(claim, func(t *testing.T) {
			i := begin(t)
			clock := clocktesting.NewFakePassiveClock(time.Now())
			proofs := owner.NewProofs(clock)
			if found := must.Get(proofs.Of(t.Context(), server.Client, i.request))(t); found.Certificate == nil {
				t.Fatalf("nothing is proved: %s", found.Problem)
			}
			must.Do(t, server.Client.Delete(t.Context(), i.staged))
			clock.SetTime(clock.Now().Add(c.after))
			if c.change != nil {
				c.change(i)
			}
			var found owner.Owner
			for range c.times {
				found = must.Get(proofs.Take(t.Context(), server.Client, i.request))(t)
			}
			if believed := found.Certificate != nil; believed != c.believed {
				t.Errorf("it is believed: %v (%s)", believed, found.Problem)
			}
		})
	}
}

// TestWhatIsNotProvedIsNotKept, also where it was before.
func TestWhatIsNotProvedIsNotKept(t *testing.T) {
	i := begin(t)
	proofs := owner.NewProofs(clocktesting.NewFakePassiveClock(time.Now()))
	must.Get(proofs.Of(t.Context(), server.Client, i.request))(t)
	must.Do(t, server.Client.Delete(t.Context(), i.staged))
	must.Get(proofs.Of(t.Context(), server.Client, i.request))(t)
	if found := must.Get(proofs.Take(t.Context(), server.Client, i.request))(t); found.Problem == "" {
		t.Error("what was proved once is believed after it was refuted")
	}
}

// TestALargeCertificateIsNotKept: whoever may create Certificates could fill the memory with them.
func TestALargeCertificateIsNotKept(t *testing.T) {
	i := begin(t)
	i.certificate.Annotations = map[string]string{"example.com/note": strings.Repeat("n", 17<<10)}
	must.Do(t, server.Client.Update(t.Context(), i.certificate))
	proofs := owner.NewProofs(clocktesting.NewFakePassiveClock(time.Now()))
	if found := must.Get(proofs.Of(t.Context(), server.Client, i.request))(t); found.Certificate == nil {
		t.Fatalf("nothing is proved: %s", found.Problem)
	}
	must.Do(t, server.Client.Delete(t.Context(), i.staged))
	if found := must.Get(proofs.Take(t.Context(), server.Client, i.request))(t); found.Certificate != nil {
		t.Error("it is kept")
	}
}

package gate

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestARequestThatReplacesNothingIsLookedAtAnHourLater, unless it was seen since to replace something.
func TestARequestThatReplacesNothingIsLookedAtAnHourLater(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	request := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{UID: "request-1"}}
	first := &cmapi.Certificate{}
	renewed := &cmapi.Certificate{Status: cmapi.CertificateStatus{
		NotBefore: &metav1.Time{Time: now}, NotAfter: &metav1.Time{Time: now.Add(time.Hour)},
		Conditions: []cmapi.CertificateCondition{
			{Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue},
		},
	}}
	for claim, c := range map[string]struct {
		seen []*cmapi.Certificate
		want time.Time
	}{
		"never seen":                  {},
		"with nothing to lose":        {[]*cmapi.Certificate{first}, now.Add(time.Hour)},
		"with something":              {[]*cmapi.Certificate{renewed}, time.Time{}},
		"with something, by now":      {[]*cmapi.Certificate{first, renewed}, time.Time{}},
		"with no Certificate, by now": {[]*cmapi.Certificate{first, nil}, time.Time{}},
	} {
		t.Run(claim, func(t *testing.T) {
			u := newUnthreatened()
			for _, certificate := range c.seen {
				u.note(request, certificate, now)
			}
			if got := u.next(request, now); !got.Equal(c.want) {
				t.Errorf("it is looked at on %s, want %s", got, c.want)
			}
			if got := u.next(request, now.Add(-time.Second)); !got.IsZero() {
				t.Errorf("with a clock that was set back, it is looked at on %s", got)
			}
		})
	}
}

package issuance_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestARenewalIsTriedToTheLastMinute: however long the distances have grown, there is time for more tries.
func TestARenewalIsTriedToTheLastMinute(t *testing.T) {
	for claim, c := range map[string]struct {
		left time.Duration
		err  error
		want time.Duration
	}{
		"refused, with time left":            {60 * 24 * time.Hour, pki099, time.Hour},
		"refused, an hour left":              {time.Hour, pki099, 15 * time.Minute},
		"refused as too early, an hour left": {time.Hour, pki080, 15 * time.Minute},
		"refused, half a minute left":        {30 * time.Second, pki099, 10 * time.Second},
		"unreachable, with time left":        {60 * 24 * time.Hour, errUnreachable, 5 * time.Minute},
		"unreachable, four minutes left":     {4 * time.Minute, errUnreachable, time.Minute},
		"no answer, four minutes left":       {4 * time.Minute, errNoAnswer, time.Minute},
		"a wrong environment, an hour left":  {time.Hour, pki005, 15 * time.Minute},
		"expired meanwhile":                  {-time.Hour, pki099, 10 * time.Second},
	} {
		t.Run(claim, func(t *testing.T) {
			order := renewal(func(o *v1alpha1.VeroOrder) {
				o.Spec.Renewal.NotAfter = metav1.Time{Time: now.Add(c.left)}
				o.Status.Submissions = 20
			}, sent(now, c.err))
			if got := order.Status.NextSubmitTime.Sub(now); got != c.want {
				t.Errorf("it is tried again after %s, want %s", got, c.want)
			}
		})
	}
}

package status_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

func TestTheLongerAnIssuerIsNotReadyTheLessOftenItIsChecked(t *testing.T) {
	now := time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	for since, want := range map[time.Duration]time.Duration{
		0: time.Minute, 2 * time.Minute: time.Minute, 3 * time.Minute: 90 * time.Second, 10 * time.Minute: 5 * time.Minute,
		20 * time.Minute: 10 * time.Minute, 30 * 24 * time.Hour: 10 * time.Minute, -time.Hour: time.Minute,
	} {
		condition := &metav1.Condition{
			Status: metav1.ConditionFalse, LastTransitionTime: metav1.Time{Time: now.Add(-since)},
		}
		if got := status.UntilCheck(condition, now); got != want {
			t.Errorf("not ready for %s, it is checked after %s, want %s", since, got, want)
		}
		condition.Status = metav1.ConditionTrue
		if got := status.UntilCheck(condition, now); got != 10*time.Minute {
			t.Errorf("ready for %s, it is checked after %s", since, got)
		}
	}
}

package orderstate_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestARestoredOrderIsLeftAloneUntilItsStatusHasFollowed: who restores it writes the status in a second step, and would
// fail if the controller had written meanwhile.
func TestARestoredOrderIsLeftAloneUntilItsStatusHasFollowed(t *testing.T) {
	held := heldUp(v1alpha1.ReasonIssuerNotReady)
	restored := func(o *v1alpha1.VeroOrder) { o.Labels = map[string]string{"velero.io/restore-name": "daily"} }
	for claim, c := range map[string]struct {
		order *v1alpha1.VeroOrder
		want  time.Time
	}{
		"it is left alone for a minute":         {signNew(created(now), restored), now.Add(time.Minute)},
		"a renewal, too":                        {renewal(created(now), restored), now.Add(time.Minute)},
		"with its status it is one like others": {signNew(created(now), restored, sent(now, nil)), time.Time{}},
		"one that was to be sent again, too":    {signNew(created(now), restored, lost), time.Time{}},
		"one that is held up, too":              {signNew(created(now), restored, held), time.Time{}},
		"one that the gate has made never":      {signNew(created(now)), time.Time{}},
	} {
		if got := orderstate.UntouchedUntil(c.order, c.order.CreationTimestamp.Time); !got.Equal(c.want) {
			t.Errorf("%s: until %s, want %s", claim, got, c.want)
		}
	}
	late, order := now.Add(time.Minute), signNew(created(now), restored)
	for slow, want := range map[time.Duration]time.Time{5 * time.Minute: late, time.Hour: late, 2 * time.Hour: {}} {
		if got := orderstate.UntouchedUntil(order, now.Add(-slow)); !got.Equal(want) {
			t.Errorf("with a clock that is slow by %s: until %s, want %s", slow, got, want)
		}
	}
}

package orderstate_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
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
		"no response, four minutes left":     {4 * time.Minute, errNoResponse, time.Minute},
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

// TestPollSchedule: 10 s at first, then about half of the time waited up to 5 min, then hourly.
func TestPollSchedule(t *testing.T) {
	order := signNew(sent(now, nil))
	moment, messages := now, 0
	said := orderstate.Message(order)
	var distances []time.Duration
	for moment.Sub(now) < timeout+3*time.Hour {
		action := orderstate.Decide(ordered(order, at(moment)))
		if action.Verb == orderstate.Wait {
			distances = append(distances, action.At.Sub(moment))
			moment = action.At
			continue
		}
		polled(moment, pki099)(order)
		if orderstate.Message(order) != said {
			said = orderstate.Message(order)
			messages++
		}
	}
	beginning := []int{10, 10, 10, 15, 22, 33, 50, 75, 113, 170, 256, 300, 300}
	for i, want := range beginning {
		if got := int(distances[i].Seconds()); got != want {
			t.Errorf("distance %d is %d s, want %d s", i, got, want)
		}
	}
	for i, distance := range distances[len(beginning):] {
		if distance != 5*time.Minute && distance != time.Hour {
			t.Fatalf("distance %d is %s, neither 5 min nor an hour", i, distance)
		}
	}
	if last := distances[len(distances)-1]; last != time.Hour {
		t.Errorf("after the timeout it is %s, want an hour", last)
	}
	if messages != 1 {
		t.Errorf("the message has changed %d times, want once, when it became overdue", messages)
	}
	if polls := int(order.Status.Polls); polls != len(distances)-1 {
		t.Errorf("%d polls were counted, want one between each two of %d waits", polls, len(distances))
	}
}

func TestPollScheduleOfOddClocks(t *testing.T) {
	for claim, c := range map[string]struct {
		waited, timeout, want time.Duration
	}{
		"a clock that was set back since the acceptance": {-time.Hour, timeout, 10 * time.Second},
		"a clock that has made a leap":                   {1000 * time.Hour, timeout, time.Hour},
		"no timeout":                                     {1000 * time.Hour, 0, 5 * time.Minute},
		"exactly the timeout":                            {timeout, timeout, time.Hour},
		"just before it":                                 {timeout - 1, timeout, 5 * time.Minute},
	} {
		t.Run(claim, func(t *testing.T) {
			order := signNew(sent(now.Add(-c.waited), nil))
			call := ended(order, now)
			call.Timeout = c.timeout
			orderstate.RecordPoll(order, nil, pki099, call)
			got := outcomeOf(order, now)
			if got.Again != c.want {
				t.Errorf("it waits %s, want %s", got.Again, c.want)
			}
			if overdue := got.Reason == v1alpha1.ReasonRetrievalOverdue; overdue != (c.want == time.Hour) {
				t.Errorf("it is %s", got.Reason)
			}
		})
	}
}

// TestAnOverdueRenewalIsAskedForUntilTheLastMinute: an hour is too long when the old certificate has less.
func TestAnOverdueRenewalIsAskedForUntilTheLastMinute(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		5 * time.Hour: time.Hour, 2 * time.Hour: 30 * time.Minute, time.Minute: 15 * time.Second, 0: 10 * time.Second,
		-time.Second: time.Hour, // There is no hurry any more.
	} {
		order := renewal(sent(now.Add(-timeout), nil))
		order.Spec.Renewal.NotAfter = metav1.Time{Time: now.Add(left)}
		polled(now, pki099)(order)
		if got := outcomeOf(order, now).Again; got != want {
			t.Errorf("with %s left it waits %s, want %s", left, got, want)
		}
	}
}

// TestRetryAfter: the endpoint's wish counts where it is longer than our distance, up to an hour, and never beyond what
// a renewal has left.
func TestRetryAfter(t *testing.T) {
	for claim, c := range map[string]struct {
		wish, left, submit, poll time.Duration
	}{
		"none":                 {0, 0, 10 * time.Second, 10 * time.Second},
		"less than ours":       {time.Second, 0, 10 * time.Second, 10 * time.Second},
		"two minutes":          {2 * time.Minute, 0, 2 * time.Minute, 2 * time.Minute},
		"a day":                {24 * time.Hour, 0, time.Hour, time.Hour},
		"a renewal with time":  {30 * time.Minute, 1000 * time.Hour, 30 * time.Minute, 30 * time.Minute},
		"one near its end":     {30 * time.Minute, time.Hour, 15 * time.Minute, 15 * time.Minute},
		"one with two minutes": {30 * time.Minute, 2 * time.Minute, 30 * time.Second, 30 * time.Second},
	} {
		t.Run(claim, func(t *testing.T) {
			for _, status := range []int{429, 503} {
				err := &protocol.HTTPError{Status: status, RetryAfter: c.wish}
				order := func(edits ...edit) *v1alpha1.VeroOrder {
					if c.left == 0 {
						return signNew(edits...)
					}
					ending := func(o *v1alpha1.VeroOrder) { o.Spec.Renewal.NotAfter = metav1.Time{Time: now.Add(c.left)} }
					return renewal(append([]edit{ending}, edits...)...)
				}
				if got := outcomeOf(order(sent(now, err)), now).Again; got != c.submit {
					t.Errorf("HTTP %d: it is sent again after %s, want %s", status, got, c.submit)
				}
				if got := outcomeOf(order(sent(now, nil), polled(now, err)), now).Again; got != c.poll {
					t.Errorf("HTTP %d: it is asked for after %s, want %s", status, got, c.poll)
				}
			}
		})
	}
}

// TestRetryDistance: it doubles, up to 5 minutes where the way failed and an hour where the service refused.
func TestRetryDistance(t *testing.T) {
	for claim, c := range map[string]struct {
		err     error
		seconds []int
	}{
		"no connection": {errUnreachable, []int{10, 20, 40, 80, 160, 300, 300, 300}},
		"no response":   {errNoResponse, []int{10, 20, 40, 80, 160, 300, 300}},
		"PKI099":        {pki099, []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
		"PKI005":        {pki005, []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}},
	} {
		t.Run(claim, func(t *testing.T) {
			order := signNew()
			for i, seconds := range c.seconds {
				sent(now, c.err)(order)
				if got := outcomeOf(order, now).Again.Seconds(); got != float64(seconds) {
					t.Errorf("after submission %d it waits %v s, want %d s", i+1, got, seconds)
				}
			}
		})
	}
	t.Run("a Warning from the fifth on", func(t *testing.T) {
		order := signNew()
		for i := range 6 {
			sent(now, pki099)(order)
			if warns := !reasons.Of(outcomeOf(order, now).Reason).Quiet; warns != (i >= 4) {
				t.Errorf("submission %d warns: %t", i+1, warns)
			}
		}
	})
}

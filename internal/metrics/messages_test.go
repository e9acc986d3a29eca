package metrics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// inFlight is a MessagesPassword about which there is something to tell by every series.
func inFlight() v1alpha1.MessagesPassword {
	at := func(after time.Duration) *metav1.Time { return &metav1.Time{Time: made.Add(after)} }
	return v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mail", Name: "messages"},
		Status: v1alpha1.MessagesPasswordStatus{
			State: v1alpha1.MessagesPasswordSettling, PasswordSince: at(0), PasswordOrigin: v1alpha1.PasswordFound,
			NextRotationTime: at(day), LastRetrievalTime: at(time.Hour),
			FailedLogins: []metav1.MicroTime{{Time: made}, {Time: made}},
			Rotation:     &v1alpha1.MessagesRotation{StartTime: *at(2 * day)},
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonPasswordRefused},
				{Type: v1alpha1.ConditionNeedsPerson, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonPasswordRefused,
					LastTransitionTime: *at(3 * day)},
				{Type: v1alpha1.ConditionRetrievalLate, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRetrievalLate},
			},
		},
	}
}

func passwords(objects ...v1alpha1.MessagesPassword) metrics.Passwords {
	return metrics.Passwords{List: func(context.Context) (*v1alpha1.MessagesPasswordList, error) {
		return &v1alpha1.MessagesPasswordList{Items: objects}, nil
	}}
}

func TestWhatIsToldOfAPassword(t *testing.T) {
	const name = `name="messages",namespace="mail"`
	begin := float64(made.Unix())
	calm := inFlight()
	calm.Spec.Suspend, calm.Status.Rotation, calm.Status.LastRetrievalTime = true, nil, nil
	calm.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRotated},
		{Type: v1alpha1.ConditionNeedsPerson, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRotated},
	}
	for series, want := range map[string]struct{ inFlight, calm map[string]float64 }{
		"password_ready": {
			nil /* zero */, map[string]float64{name + `,reason="Rotated"`: 1},
		},
		"person_needed_since_timestamp_seconds": {
			map[string]float64{name + `,reason="PasswordRefused"`: begin + (3 * day).Seconds()}, nil,
		},
		"password_since_timestamp_seconds": {
			map[string]float64{name + `,origin="Found"`: begin}, map[string]float64{name + `,origin="Found"`: begin},
		},
		"next_rotation_timestamp_seconds": {map[string]float64{name: begin + day.Seconds()}, nil},
		"rotation_started_timestamp_seconds": {
			map[string]float64{name + `,state="Settling"`: begin + (2 * day).Seconds()}, nil,
		},
		"failed_logins":                    {map[string]float64{name: 2}, map[string]float64{name: 2}},
		"last_retrieval_timestamp_seconds": {map[string]float64{name: begin + time.Hour.Seconds()}, nil},
		"retrieval_late":                   {map[string]float64{name: 1}, nil},
	} {
		for object, values := range map[*v1alpha1.MessagesPassword]map[string]float64{
			new(inFlight()): want.inFlight, &calm: want.calm,
		} {
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(passwords(*object))
			compare(t, registry, "varmenne_messages_"+series, values)
		}
	}
}

func TestOnlyTheReplicaThatWorksTellsOfPasswords(t *testing.T) {
	for claim, c := range map[string]struct {
		err   error
		fails bool
	}{"another replica": {nil, false}, "a cache that cannot be read": {errors.New("not started"), true}} {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(metrics.Passwords{List: func(context.Context) (*v1alpha1.MessagesPasswordList, error) {
			return nil, c.err
		}})
		families, err := registry.Gather()
		if len(families) != 0 || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v", claim, families, err)
		}
	}
}

func TestCallsOfMessagesBeginAtZero(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	series := must.Get(metrics.NewMessages(registry, []string{"token", "events"}, []string{"Done", "Refused"}))(t)
	series.WatchFailed("MessagesPassword")
	series.MessagesCall("token", "Done")
	series.MessagesRotated()
	compare(t, registry, "varmenne_messages_calls_total", map[string]float64{
		`operation="token",outcome="Done"`: 1,
	})
	compare(t, registry, "varmenne_messages_rotations_total", map[string]float64{"": 1})
	compare(t, registry, "varmenne_watch_errors_total", map[string]float64{`kind="MessagesPassword"`: 1})
	if families := must.Get(registry.Gather())(t); len(families[0].GetMetric()) != 4 {
		t.Errorf("there are %v", families[0])
	}
}

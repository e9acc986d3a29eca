package metrics

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Messages are the counters of the process that rotates passwords of Suomi.fi Messages.
type Messages struct {
	watches

	calls     *prometheus.CounterVec
	rotations prometheus.Counter
}

// NewMessages makes the series and registers them. They begin at zero for each of the operations and outcomes: of a
// counter that begins at one nobody could see that it has increased.
func NewMessages(registerer prometheus.Registerer, operations, outcomes []string) (*Messages, error) {
	m := &Messages{
		watches: describeWatches(v1alpha1.KindMessagesPassword),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "varmenne_messages_calls_total",
			Help: "Ends of calls of the Suomi.fi Messages REST API, by operation and outcome: Done, Refused, NotAllowed, " +
				"NotSent (nobody can have acted on it) or Unknown (it may have been acted on).",
		}, []string{"operation", "outcome"}),
		rotations: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "varmenne_messages_rotations_total",
			Help: "Rotations of a password that have ended with a new one, proved, in its Secret.",
		}),
	}
	for _, operation := range operations {
		for _, outcome := range outcomes {
			m.calls.WithLabelValues(operation, outcome)
		}
	}
	return m, errors.Join(
		registerer.Register(m.errors), registerer.Register(m.calls), registerer.Register(m.rotations))
}

// MessagesCall counts the end of a call.
func (m *Messages) MessagesCall(operation, outcome string) {
	m.calls.WithLabelValues(operation, outcome).Inc()
}

// MessagesRotated counts a rotation.
func (m *Messages) MessagesRotated() { m.rotations.Inc() }

// Passwords is a collector of what MessagesPasswords say, read when it is asked for: a series ends with its object.
type Passwords struct {
	// List returns the objects, nil where this process is not the one to tell.
	List func(context.Context) (*v1alpha1.MessagesPasswordList, error)
}

// passwordSeries describes the collector's series.
type passwordSeries struct {
	ready, person, since, next, rotating, failed, retrieved, late *prometheus.Desc
}

func describePasswords() passwordSeries {
	describe := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{labelNamespace, "name"}, more...), nil)
	}
	return passwordSeries{
		ready: describe("varmenne_messages_password_ready",
			"1 while a MessagesPassword is Ready, else 0; reason is that of its condition.", labelReason),
		person: describe("varmenne_messages_person_needed_since_timestamp_seconds",
			"Since when a MessagesPassword needs a person, in seconds since 1970; reason says why.", labelReason),
		since: describe("varmenne_messages_password_since_timestamp_seconds",
			"Since when the Secret has had its password, in seconds since 1970; origin is Rotated, or Found, whose age is "+
				"not known and counts from its first sight.", "origin"),
		next: describe("varmenne_messages_next_rotation_timestamp_seconds",
			"When the next rotation is due, in seconds since 1970; absent while rotations are suspended."),
		rotating: describe("varmenne_messages_rotation_started_timestamp_seconds",
			"When the rotation in flight has begun, in seconds since 1970; state is how far it has come.", "state"),
		failed: describe("varmenne_messages_failed_logins",
			"Log-ins of the last hour that were refused, or whose outcome is not known."),
		retrieved: describe("varmenne_messages_last_retrieval_timestamp_seconds",
			"When messages of end users were last fetched, in seconds since 1970; 0 if nothing shows that they ever were."),
		late: describe("varmenne_messages_retrieval_late",
			"1 while that is longer ago than spec.retrieval.maxAge, else 0."),
	}
}

// Describe implements prometheus.Collector.
func (Passwords) Describe(descriptions chan<- *prometheus.Desc) {
	s := describePasswords()
	for _, description := range []*prometheus.Desc{
		s.ready, s.person, s.since, s.next, s.rotating, s.failed, s.retrieved, s.late,
	} {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector.
func (p Passwords) Collect(collected chan<- prometheus.Metric) {
	series := describePasswords()
	passwords, err := p.List(context.Background())
	if err != nil {
		collected <- prometheus.NewInvalidMetric(series.ready, err)
		return
	}
	if passwords == nil {
		return
	}
	for i := range passwords.Items {
		object := &passwords.Items[i]
		tell := func(description *prometheus.Desc, value float64, more ...string) {
			collected <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value,
				append([]string{object.Namespace, object.Name}, more...)...)
		}
		series.collectConditions(object, tell)
		series.collectTimes(object, tell)
	}
}

// teller collects a value about an object.
type teller func(description *prometheus.Desc, value float64, more ...string)

func (s passwordSeries) collectConditions(object *v1alpha1.MessagesPassword, tell teller) {
	conditions := object.Status.Conditions
	if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
		tell(s.ready, one(ready.Status == metav1.ConditionTrue), ready.Reason)
	}
	if person := holds(conditions, v1alpha1.ConditionNeedsPerson); person != nil {
		tell(s.person, seconds(person.LastTransitionTime.Time), person.Reason)
	}
	if late := meta.FindStatusCondition(conditions, v1alpha1.ConditionRetrievalLate); late != nil {
		tell(s.late, one(late.Status == metav1.ConditionTrue))
		last := 0.0
		if object.Status.LastRetrievalTime != nil {
			last = seconds(object.Status.LastRetrievalTime.Time)
		}
		tell(s.retrieved, last)
	}
}

func (s passwordSeries) collectTimes(object *v1alpha1.MessagesPassword, tell teller) {
	status := &object.Status
	tell(s.failed, float64(len(status.FailedLogins)))
	if status.PasswordSince != nil {
		tell(s.since, seconds(status.PasswordSince.Time), string(status.PasswordOrigin))
	}
	if status.NextRotationTime != nil && !object.Spec.Suspend {
		tell(s.next, seconds(status.NextRotationTime.Time))
	}
	if status.Rotation != nil {
		tell(s.rotating, seconds(status.Rotation.StartTime.Time), string(status.State))
	}
}

func one(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

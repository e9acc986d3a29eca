package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Persons is a collector of what waits for a person, read when it is asked for.
type Persons struct {
	// Orders and Tracked return the objects, nil where this process is not the one to tell.
	Orders  func(context.Context) (*outline.ManualOrderList, error)
	Tracked func(context.Context) (*v1alpha1.TrackedCertificateList, error)
	// Lead is how long the authority of an order's issuer needs.
	Lead func(context.Context, *outline.ManualOrder) time.Duration
}

// personSeries describes the collector's series.
type personSeries struct {
	due, ends *prometheus.Desc
}

func describePersons() personSeries {
	return personSeries{
		due: prometheus.NewDesc("varmenne_person_due_timestamp_seconds",
			"Until when a person has to do something, in seconds since 1970, for each object that waits for one; reason is "+
				"that of the condition that says what.",
			[]string{labelNamespace, labelCertificate, "kind", "name", labelReason}, nil),
		ends: prometheus.NewDesc("varmenne_tracked_certificate_expiration_timestamp_seconds",
			"When the certificate of a TrackedCertificate ends, in seconds since 1970.",
			[]string{labelNamespace, "name"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (Persons) Describe(descriptions chan<- *prometheus.Desc) {
	series := describePersons()
	descriptions <- series.due
	descriptions <- series.ends
}

// Collect implements prometheus.Collector.
func (p Persons) Collect(collected chan<- prometheus.Metric) {
	series := describePersons()
	ctx := context.Background()
	orders, err := p.Orders(ctx)
	if err != nil {
		collected <- prometheus.NewInvalidMetric(series.due, err)
	}
	if orders != nil {
		for i := range orders.Items {
			series.collectOrder(&orders.Items[i], p.Lead(ctx, &orders.Items[i]), collected)
		}
	}
	tracked, err := p.Tracked(ctx)
	if err != nil {
		collected <- prometheus.NewInvalidMetric(series.ends, err)
	}
	if tracked != nil {
		for i := range tracked.Items {
			series.collectTracked(&tracked.Items[i], collected)
		}
	}
}

func (s personSeries) collectOrder(
	order *outline.ManualOrder, lead time.Duration, collected chan<- prometheus.Metric,
) {
	if order.PersonDue == "" {
		return
	}
	collected <- prometheus.MustNewConstMetric(s.due, prometheus.GaugeValue, seconds(dueOf(order, lead)),
		order.Namespace, bounded(order.Certificate), "ManualOrder", order.Name, order.PersonDue)
}

// margin is how long before the end of the certificate in use its successor should be there.
const margin = 7 * 24 * time.Hour

// dueOf is when what a person has to do is late: an application the issuer's lead time before the certificate in use
// ends, anything else a week before. A first certificate is applied for at once, and comes within the lead time.
func dueOf(order *outline.ManualOrder, lead time.Duration) time.Time {
	renewsUntil := order.RenewsUntil
	switch reason := order.PersonDue; {
	case reason == v1alpha1.ReasonAwaitingAuthority && renewsUntil == nil:
		return order.CreationTimestamp.Add(lead)
	case renewsUntil == nil, reason == v1alpha1.ReasonApplicationStale:
		return order.CreationTimestamp.Time
	case reason == v1alpha1.ReasonApplicationDue:
		return renewsUntil.Add(-lead)
	default:
		return renewsUntil.Add(-margin)
	}
}

func (s personSeries) collectTracked(tracked *v1alpha1.TrackedCertificate, collected chan<- prometheus.Metric) {
	if end := tracked.Status.NotAfter; end != nil {
		collected <- prometheus.MustNewConstMetric(
			s.ends, prometheus.GaugeValue, seconds(end.Time), tracked.Namespace, tracked.Name)
	}
	report := func(condition *metav1.Condition) {
		if condition != nil {
			collected <- prometheus.MustNewConstMetric(s.due, prometheus.GaugeValue,
				seconds(condition.LastTransitionTime.Time), tracked.Namespace, "", "TrackedCertificate", tracked.Name,
				condition.Reason)
		}
	}
	report(holds(tracked.Status.Conditions, v1alpha1.ConditionExpiringSoon))
	report(holds(tracked.Status.Conditions, v1alpha1.ConditionNoticeDue))
	ready := meta.FindStatusCondition(tracked.Status.Conditions, v1alpha1.ConditionReady)
	if ready != nil && ready.Status == metav1.ConditionFalse && ready.Reason != v1alpha1.ReasonExpired {
		report(ready) // it cannot be read
	}
}

// holds is a condition that is True, nil if it is not.
func holds(conditions []metav1.Condition, kind string) *metav1.Condition {
	condition := meta.FindStatusCondition(conditions, kind)
	if condition == nil || condition.Status != metav1.ConditionTrue {
		return nil
	}
	return condition
}

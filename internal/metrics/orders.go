package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Orders is a collector of what VeroOrders say, read when it is asked for, so that it is right after a restart and
// after every deletion.
type Orders struct {
	// List returns the orders, nil where this process is not the one to tell.
	List func(context.Context) (*v1alpha1.VeroOrderList, error)
}

// orderSeries describes the collector's series.
type orderSeries struct {
	count, pending, oldest *prometheus.Desc
}

func describeOrders() orderSeries {
	labels := []string{labelNamespace, "operation", "state", labelReason}
	return orderSeries{
		count: prometheus.NewDesc("varmenne_orders", "Number of VeroOrders, by state.", []string{"state"}, nil),
		pending: prometheus.NewDesc("varmenne_orders_pending",
			"Number of VeroOrders that are neither Issued nor Failed; reason is what they wait for. One that is being sent for "+
				"the first time counts as OrderCreated.", labels, nil),
		oldest: prometheus.NewDesc("varmenne_orders_pending_oldest_created_timestamp_seconds",
			"When the oldest of these VeroOrders was made, in seconds since 1970.", labels, nil),
	}
}

// Describe implements prometheus.Collector.
func (Orders) Describe(descriptions chan<- *prometheus.Desc) {
	series := describeOrders()
	descriptions <- series.count
	descriptions <- series.pending
	descriptions <- series.oldest
}

// Collect implements prometheus.Collector. Every state has a value, so that an alert on zero has something to read.
func (o Orders) Collect(collected chan<- prometheus.Metric) {
	series := describeOrders()
	orders, err := o.List(context.Background())
	if err != nil {
		collected <- prometheus.NewInvalidMetric(series.count, err)
		return
	}
	if orders == nil {
		return
	}
	counts := map[v1alpha1.VeroOrderState]float64{
		v1alpha1.VeroOrderPending: 0, v1alpha1.VeroOrderSubmitting: 0, v1alpha1.VeroOrderSubmitted: 0,
		v1alpha1.VeroOrderIssued: 0, v1alpha1.VeroOrderFailed: 0,
	}
	pending := groups{}
	for i := range orders.Items {
		order := &orders.Items[i]
		counts[order.Status.State]++
		switch order.Status.State {
		case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		default:
			pending.add(seconds(order.CreationTimestamp.Time), order.Namespace, string(order.Spec.Operation),
				string(order.Status.State), reasonOf(order))
		}
	}
	pending.collect(series.pending, series.oldest, collected)
	for state, count := range counts {
		collected <- prometheus.MustNewConstMetric(series.count, prometheus.GaugeValue, count, string(state))
	}
}

// reasonOf is what an order waits for. While many are sent one after the other, one of them is always Submitting: only
// one that is sent again has met with something.
func reasonOf(order *v1alpha1.VeroOrder) string {
	condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil || condition.Reason == v1alpha1.ReasonSubmitting && order.Status.Submissions <= 1 {
		return v1alpha1.ReasonOrderCreated
	}
	return condition.Reason
}

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
	count, unfinished *prometheus.Desc
}

func describeOrders() orderSeries {
	return orderSeries{
		count: prometheus.NewDesc("varmenne_orders", "Number of VeroOrders, by state.", []string{"state"}, nil),
		unfinished: prometheus.NewDesc("varmenne_order_pending_created_timestamp_seconds",
			"When the VeroOrder was made, in seconds since 1970, for each that is neither Issued nor Failed; reason is what "+
				"it waits for.",
			[]string{labelNamespace, labelCertificate, "order", "operation", "state", labelReason}, nil),
	}
}

// Describe implements prometheus.Collector.
func (Orders) Describe(descriptions chan<- *prometheus.Desc) {
	series := describeOrders()
	descriptions <- series.count
	descriptions <- series.unfinished
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
	for i := range orders.Items {
		order := &orders.Items[i]
		counts[order.Status.State]++
		switch order.Status.State {
		case v1alpha1.VeroOrderIssued, v1alpha1.VeroOrderFailed:
		default:
			collected <- series.since(order)
		}
	}
	for state, count := range counts {
		collected <- prometheus.MustNewConstMetric(series.count, prometheus.GaugeValue, count, string(state))
	}
}

// since is the value of an order that has not ended.
func (s orderSeries) since(order *v1alpha1.VeroOrder) prometheus.Metric {
	reason := v1alpha1.ReasonOrderCreated
	if condition := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady); condition != nil {
		reason = condition.Reason
	}
	return prometheus.MustNewConstMetric(s.unfinished, prometheus.GaugeValue, seconds(order.CreationTimestamp.Time),
		order.Namespace, certificateOf(order), order.Name, string(order.Spec.Operation),
		string(order.Status.State), reason)
}

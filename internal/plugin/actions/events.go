package actions

import (
	"cmp"
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// newestEvents is how many Events returns.
const newestEvents = 8

// Event is what has happened to an object.
type Event struct {
	Time    time.Time `json:"time"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Object  string    `json:"object"`
	Message string    `json:"message"`
}

// Events are the newest of some objects, the newest first; with an error those of the others, as where a cluster's
// issuer has its own in a namespace that the person may not read.
func Events(ctx context.Context, access client.Client, chain []overview.Step) ([]Event, error) {
	var found []Event
	var unread error
	for _, step := range chain {
		list := &corev1.EventList{}
		namespace := cmp.Or(step.Namespace, corev1.NamespaceDefault)
		err := access.List(ctx, list, client.InNamespace(namespace),
			client.MatchingFields{"involvedObject.uid": step.UID})
		if err != nil {
			unread = cluster.Explain(err, "list", "events", namespace, "list events of "+step.Kind+" "+step.Name)
			continue
		}
		for i := range list.Items {
			event := &list.Items[i]
			found = append(found, Event{
				Time: timeOfEvent(event), Type: event.Type, Reason: event.Reason,
				Object: step.Kind + "/" + step.Name, Message: event.Message,
			})
		}
	}
	slices.SortStableFunc(found, func(one, other Event) int { return other.Time.Compare(one.Time) })
	return found[:min(len(found), newestEvents)], unread
}

// timeOfEvent is when an event happened last, whichever API it was written with.
func timeOfEvent(event *corev1.Event) time.Time {
	last := event.CreationTimestamp.Time
	times := []time.Time{event.EventTime.Time, event.LastTimestamp.Time}
	if event.Series != nil {
		times = append(times, event.Series.LastObservedTime.Time)
	}
	for _, at := range times {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// EventsOf are the newest of a ManualOrder, the newest first.
func EventsOf(ctx context.Context, access client.Client, order *v1alpha1.ManualOrder) ([]Event, error) {
	return Events(ctx, access, []overview.Step{{
		Kind: overview.KindManualOrder, Namespace: order.Namespace, Name: order.Name, UID: string(order.UID),
	}})
}

package order

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

func TestAnOrderThatHasGotARetrievalIDIsLookedAt(t *testing.T) {
	order := func(phase v1alpha1.VeroOrderState, id string) *v1alpha1.VeroOrder {
		return &v1alpha1.VeroOrder{Status: v1alpha1.VeroOrderStatus{State: phase, RetrievalID: id}}
	}
	annotated := func(id string) *v1alpha1.VeroOrder {
		failed := order(v1alpha1.VeroOrderFailed, "")
		failed.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: id}
		return failed
	}
	for claim, c := range map[string]struct {
		earlier, later *v1alpha1.VeroOrder
		want           bool
	}{
		"one that a late response brings back": {
			order(v1alpha1.VeroOrderFailed, ""), order(v1alpha1.VeroOrderSubmitted, "r-1"), true},
		"one to which a person brings one":   {order(v1alpha1.VeroOrderFailed, ""), annotated("r-1"), true},
		"also if it is empty":                {order(v1alpha1.VeroOrderFailed, ""), annotated(""), true},
		"one whose annotation is corrected":  {annotated("r 1"), annotated("r-1"), true},
		"but not one whose annotation stays": {annotated("r 1"), annotated("r 1"), false},
		"one that had failed with its RetrievalId": {
			order(v1alpha1.VeroOrderFailed, "r-1"), order(v1alpha1.VeroOrderSubmitted, "r-1"), true},
		"one that another controller was about to send": {
			order(v1alpha1.VeroOrderSubmitting, ""), order(v1alpha1.VeroOrderSubmitted, "r-1"), true},
		"but not one that was polled": {
			order(v1alpha1.VeroOrderSubmitted, "r-1"), order(v1alpha1.VeroOrderSubmitted, "r-1"), false},
		"one that had been issued, before etcd was restored": {
			order(v1alpha1.VeroOrderIssued, "r-1"), order(v1alpha1.VeroOrderSubmitted, "r-1"), true},
		"one that had failed, before etcd was restored": {
			order(v1alpha1.VeroOrderFailed, ""), order(v1alpha1.VeroOrderSubmitting, ""), true},
		"nor one that fails": {order(v1alpha1.VeroOrderSubmitted, "r-1"), order(v1alpha1.VeroOrderFailed, "r-1"), false},
	} {
		t.Run(claim, func(t *testing.T) {
			update := event.UpdateEvent{ObjectOld: c.earlier, ObjectNew: c.later}
			if got := broughtBack().Update(update); got != c.want {
				t.Errorf("it is let through: %t", got)
			}
		})
	}
}

// TestWhatWasWrittenHereIsNoNews, and what anybody else has written to the same order is.
func TestWhatWasWrittenHereIsNoNews(t *testing.T) {
	version := func(uid types.UID, version string) *v1alpha1.VeroOrder {
		return &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{UID: uid, ResourceVersion: version}}
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	written := newWritten()
	written.note(version("one", "7"), "6", now)
	for claim, c := range map[string]struct {
		order          *v1alpha1.VeroOrder
		news, outdated bool
	}{
		"what was written here":              {version("one", "7"), false, false},
		"what was written since":             {version("one", "8"), true, false},
		"what was written before":            {version("one", "6"), true, true},
		"another order":                      {version("two", "7"), true, false},
		"an order of which nothing is known": {version("three", "9"), true, false},
	} {
		if got := written.byOthers().Update(event.UpdateEvent{ObjectNew: c.order}); got != c.news {
			t.Errorf("%s is news: %t, want %t", claim, got, c.news)
		}
		if got := written.outdated(c.order, now); got != c.outdated {
			t.Errorf("%s is outdated: %t, want %t", claim, got, c.outdated)
		}
	}
	for _, moment := range []time.Time{now.Add(11 * time.Second), now.Add(-time.Hour)} {
		if written.outdated(version("one", "6"), moment) {
			t.Errorf("at %s an order is left alone that has got its earlier version back, as with a restored etcd", moment)
		}
	}
	if !written.byOthers().Create(event.CreateEvent{Object: version("one", "7")}) {
		t.Error("an order that is there at the start is no news")
	}
}

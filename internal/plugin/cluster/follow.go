package cluster

import (
	"cmp"
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func compareKeys(one, other types.NamespacedName) int {
	return cmp.Or(cmp.Compare(one.Namespace, other.Namespace), cmp.Compare(one.Name, other.Name))
}

// Change is an event of a watch.
type Change struct {
	kind  schema.GroupVersionKind
	event watch.Event
}

// Pause waits a while before everything is listed again, and reports whether to go on: the context has not ended.
func Pause(ctx context.Context, source clock.WithTicker, while time.Duration) bool {
	timer := source.NewTimer(while)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}

// Follow watches, from where an inventory was listed, the kinds that could be, until the context ends. The channel is
// closed when one of the watches has ended, which the API server does every few minutes: then the inventory is to be
// listed again.
func (i *Inventory) Follow(ctx context.Context, access client.WithWatch) (<-chan Change, error) {
	ctx, cancel := context.WithCancel(ctx)
	changes, ended := make(chan Change), make(chan struct{}, len(i.pages))
	running := 0
	for _, page := range i.pages {
		if page.err != nil {
			continue
		}
		watcher, err := i.watch(ctx, access, page)
		if IsRefused(err) { // who may list and not watch sees what a list shows
			continue
		}
		if err != nil {
			cancel()
			resource := Resource(page.kind)
			return nil, Explain(err, "watch", resource, i.namespace, "watch "+resource)
		}
		running++
		go func() {
			defer watcher.Stop()
			forward(ctx, page.kind, watcher.ResultChan(), changes)
			ended <- struct{}{}
		}()
	}
	if running == 0 {
		cancel()
		return nil, &RefusedError{Verb: "watch", Resource: Resource(i.pages[0].kind), Namespace: i.namespace}
	}
	go func() {
		for n := range running {
			<-ended
			if n == 0 {
				cancel() // so that the others end, too
			}
		}
		cancel()
		close(changes)
	}()
	return changes, nil
}

func (i *Inventory) watch(ctx context.Context, access client.WithWatch, from page) (watch.Interface, error) {
	options := &client.ListOptions{
		Namespace: i.namespace, Raw: &metav1.ListOptions{ResourceVersion: from.version, AllowWatchBookmarks: true},
	}
	if from.supplement {
		options.Namespace = ""
	}
	return access.Watch(ctx, from.list(), options)
}

// forward hands on events until there are no more, or one says that the watch is broken.
func forward(ctx context.Context, kind schema.GroupVersionKind, events <-chan watch.Event, to chan<- Change) {
	for event := range events {
		if event.Type == watch.Error {
			return
		}
		select {
		case to <- Change{kind, event}:
		case <-ctx.Done():
			return
		}
	}
}

// Apply takes a change over. It reports whether it is about one of our objects.
func (i *Inventory) Apply(change Change) bool {
	object, isObject := change.event.Object.(client.Object)
	if !isObject || change.event.Type == watch.Bookmark {
		return false
	}
	key := client.ObjectKeyFromObject(object)
	if change.event.Type == watch.Deleted {
		_, known := i.objects[change.kind][key]
		delete(i.objects[change.kind], key)
		return known
	}
	kept := trim(object)
	if kept == nil {
		return false
	}
	i.objects[change.kind][key] = kept
	return true
}

// IsGone reports whether an error says that an object does not exist.
func IsGone(err error) bool { return apierrors.IsNotFound(err) }

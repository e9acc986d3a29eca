package find

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// selectOurs selects the CertificateRequests that name an issuer of our group, of whatever kind: a wrong kind is for us
// to tell. A wrong spelling of the group is not: field selectors know only equality, so that would mean to read the
// requests of everybody (docs/troubleshooting.md, Nothing happens).
func selectOurs(options metav1.ListOptions) metav1.ListOptions {
	options.FieldSelector = fields.OneTermEqualSelector("spec.issuerRef.group", v1alpha1.GroupName).String()
	return options
}

// requestPage is how many CertificateRequests are read at once where the API server cannot select them: so many of
// others are in memory at a time.
const requestPage = 250

// errListInstead lets an informer list what it would have streamed to it one by one, at four times the cost for both
// sides.
var errListInstead = errors.New("the CertificateRequests of others are many, and dropped page by page")

// NewInformer makes the informers of a cache. That of CertificateRequests never learns of those that name issuers of
// other groups, of which a cluster may have very many. Indexes of fields are by value alone.
func NewInformer(
	source cache.ListerWatcher, object runtime.Object, resync time.Duration, indexers cache.Indexers,
) cache.SharedIndexInformer {
	if _, isRequest := object.(*outline.CertificateRequest); isRequest {
		ours := &ourRequests{all: cache.ToListerWatcherWithContext(source)}
		source = &cache.ListWatch{ListWithContextFunc: ours.list, WatchFuncWithContext: ours.watch}
	}
	return informer{cache.NewSharedIndexInformer(source, object, resync, indexers)}
}

// informer leaves half of an index of a field out. A cache indexes each value twice, in the namespace of the object and
// without; the keys of this package have the namespace in them where it matters.
type informer struct{ cache.SharedIndexInformer }

// AddIndexers implements cache.SharedIndexInformer.
func (i informer) AddIndexers(indexers cache.Indexers) error {
	halved := make(cache.Indexers, len(indexers))
	for name, valuesOf := range indexers {
		halved[name] = func(object any) ([]string, error) {
			values, err := valuesOf(object)
			if placed, isObject := object.(metav1.Object); isObject {
				inNamespace := placed.GetNamespace() + "/"
				values = slices.DeleteFunc(values, func(value string) bool { return strings.HasPrefix(value, inNamespace) })
			}
			return values, err
		}
	}
	return i.SharedIndexInformer.AddIndexers(halved)
}

// ourRequests lists and watches the CertificateRequests of our group. The API server selects them where it can, which
// is found out at every list, as cert-manager may be upgraded and rolled back meanwhile; else they are selected here,
// while they are read.
type ourRequests struct {
	all          cache.ListerWatcherWithContext
	unselectable atomic.Bool
}

func (o *ourRequests) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	list, err := o.all.ListWithContext(ctx, selectOurs(options))
	if !o.refused(ctx, err) {
		return list, err
	}
	// From the store, because a list from the API server's memory would come in one piece.
	options.ResourceVersion, options.ResourceVersionMatch, options.Limit = "", "", requestPage
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		list, err := o.all.ListWithContext(ctx, options)
		if requests, ok := list.(*outline.CertificateRequestList); ok && err == nil {
			requests.Items = slices.DeleteFunc(requests.Items,
				func(r outline.CertificateRequest) bool { return !ofOurGroup(&r) })
		}
		return list, err
	})
	pages.FullListIfExpired = false
	list, _, err = pages.ListWithAlloc(ctx, options)
	return list, err
}

func (o *ourRequests) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	initial := options.SendInitialEvents != nil
	if initial || !o.unselectable.Load() {
		events, err := o.all.WatchWithContext(ctx, selectOurs(options))
		if !o.refused(ctx, err) {
			return events, err
		}
	}
	if initial {
		return nil, errListInstead
	}
	events, err := o.all.WatchWithContext(ctx, options)
	if err != nil {
		return nil, err
	}
	return watch.Filter(events, only), nil
}

// refused reports whether the API server does not know how to select by the group of the issuer, and keeps that.
func (o *ourRequests) refused(ctx context.Context, err error) bool {
	unselectable := apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "field label not supported")
	if err != nil && !unselectable {
		return false
	}
	if o.unselectable.Swap(unselectable) != unselectable && unselectable {
		ctrl.LoggerFrom(ctx).Info("the API server cannot select CertificateRequests by spec.issuerRef.group, as the "+
			"definition of a newer cert-manager lets it; those of other issuers are read, and dropped", "response", err.Error())
	}
	return unselectable
}

// only lets events about CertificateRequests of our group through, and those that are about none. One that has changed
// may have been of our group.
func only(event watch.Event) (watch.Event, bool) {
	request, isRequest := event.Object.(*outline.CertificateRequest)
	if !isRequest || event.Type == watch.Bookmark || ofOurGroup(request) {
		return event, true
	}
	if event.Type == watch.Modified {
		event.Type = watch.Deleted
		return event, true
	}
	return event, false
}

func ofOurGroup(request *outline.CertificateRequest) bool {
	return request.IssuerRef.Group == v1alpha1.GroupName
}

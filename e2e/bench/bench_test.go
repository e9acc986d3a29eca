// Package bench measures the controller at work, in the same world as the user stories: `make bench`.
package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customer = "0123456-7"
	// firstGet is how long the service wants between its acceptance and the first GetCertificate (interface description
	// 2).
	firstGet = 10 * time.Second
	// timeout bounds what a benchmark waits for.
	timeout = 5 * time.Minute
)

// start starts a world that ends with the benchmark.
func start(b *testing.B, simulator ...string) *world.World {
	b.Helper()
	return startWith(b, world.Options{SimulatorArgs: simulator})
}

func startWith(b *testing.B, options world.Options) *world.World {
	b.Helper()
	options.Log = os.Stderr
	w := must.Get(world.Start(b.Context(), options))(b)
	must.Cleanup(b, func() error { return w.End(b.Failed()) })
	return w
}

// prepare makes the issuer's namespace, the issuer, and a pair of transfer credentials for each Certificate.
func prepare(b *testing.B, w *world.World, service *world.Service, issuer *v1alpha1.VeroIssuer, certificates int) {
	b.Helper()
	ctx, namespace := b.Context(), issuer.Namespace
	trust := must.Get(service.Trust(ctx, namespace))(b)
	const most = 1000 // that the simulator gives at once
	var minted []admin.Credential
	for left := certificates; left > 0; left -= most {
		wanted := admin.MintRequest{CustomerID: customer, Count: min(left, most)}
		minted = append(minted, must.Get(service.MintMany(ctx, wanted))(b)...)
	}
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	create(b, w, trust)
	create(b, w, issuer)
	for i, credential := range minted {
		create(b, w, world.TransferSecret(namespace, nameOf(i), credential))
	}
}

func nameOf(number int) string { return fmt.Sprintf("certificate-%03d", number) }

func create(b *testing.B, w *world.World, object client.Object) {
	b.Helper()
	if err := w.Client.Create(b.Context(), object); err != nil {
		b.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

// follow watches what becomes of the objects of a list's kind in a namespace, from now on until the benchmark ends. It
// goes on where it was when the API server closes the watch, as it does with one that does not keep up.
func follow(b *testing.B, w *world.World, namespace string, kind client.ObjectList) <-chan watch.Event {
	b.Helper()
	watcher := must.Get(client.NewWithWatch(w.Cluster.RESTConfig(), client.Options{Scheme: w.Client.Scheme()}))(b)
	must.Do(b, watcher.List(b.Context(), kind, client.InNamespace(namespace)))
	again := func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		return watcher.Watch(ctx, kind, &client.ListOptions{Namespace: namespace, Raw: &options})
	}
	events := must.Get(watchtools.NewRetryWatcherWithContext(
		b.Context(), kind.GetResourceVersion(), &cache.ListWatch{WatchFuncWithContext: again}))(b)
	b.Cleanup(events.Stop)
	return events.ResultChan()
}

// isReady reports whether a request is Ready.
func isReady(request *cmapi.CertificateRequest) bool {
	return cmutil.CertificateRequestHasCondition(request, cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionTrue,
	})
}

// median and percentile95 are of figures that are sorted.
func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

func percentile95(sorted []float64) float64 { return sorted[len(sorted)*95/100] }

// residentMiB is the memory of a process as the kernel counts it.
func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	content := must.Get(os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)))(b)
	var total, resident int
	must.Get(fmt.Sscan(string(content), &total, &resident))(b)
	return float64(resident*os.Getpagesize()) / (1 << 20)
}

package find_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestRequestsOfOthersAreNotKept, and never told of, whether or not the API server can select them; those of our group
// are, also with a kind that we do not have.
func TestRequestsOfOthersAreNotKept(t *testing.T) {
	for claim, when := range map[string]struct{ atStart, later bool }{
		"where they can be selected":                            {true, true},
		"where the definition is that of an older cert-manager": {false, false},
		"where cert-manager is upgraded meanwhile":              {false, true},
		"where cert-manager is rolled back meanwhile":           {true, false},
	} {
		t.Run(claim, func(t *testing.T) {
			restore := func() {}
			if !when.atStart {
				restore = withoutSelectableFields(t)
			}
			one, two, elsewhere := server.Namespace(t), server.Namespace(t), server.Namespace(t)
			create(t, one, "early")
			create(t, elsewhere, "early")
			seen := follow(t, one, two)
			if when.later {
				restore()
			} else if when.atStart {
				withoutSelectableFields(t)
			}
			create(t, one, "late")
			create(t, two, "late")
			for _, namespace := range []string{one, two} {
				touch(t, namespace, "late-theirs") // a change must not bring it in, either
				touch(t, namespace, "late-ours")
				seen.await(t, "touched "+namespace+"/late-ours")
			}
			must.Do(t, server.Client.Delete(t.Context(), request(one, "early-ours", "", "", nil)))
			seen.await(t, "delete "+one+"/early-ours")
			want := []string{
				one + "/early-unknown", one + "/late-ours", one + "/late-unknown", two + "/late-ours", two + "/late-unknown",
			}
			sameNames(t, want, seen.kept(t), placeOf)
			withKey := must.Get(find.RequestsWithKey(t.Context(), seen.cache, one, digest(t, "ours")))(t)
			sameNames(t, []string{one + "/late-ours"}, withKey, placeOf)
			if slices.ContainsFunc(seen.handled(), func(handled string) bool { return handled == "add "+one+"/late-theirs" }) {
				t.Errorf("it was told of a request of another group: %v", seen.handled())
			}
		})
	}
}

// create makes a request of ours, one with an unknown kind, and one of another group.
func create(t *testing.T, namespace, prefix string) {
	t.Helper()
	theirs := request(namespace, prefix+"-theirs", v1alpha1.KindVeroIssuer, "vero", csr(t, "theirs"))
	theirs.Spec.IssuerRef.Group = "example.com"
	server.Create(t, theirs,
		request(namespace, prefix+"-ours", v1alpha1.KindVeroIssuer, "vero", csr(t, "ours")),
		request(namespace, prefix+"-unknown", "VeroThing", "vero", csr(t, "ours")))
}

func touch(t *testing.T, namespace, name string) {
	t.Helper()
	touched := &cmapi.CertificateRequest{}
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, touched))
	status.Set(touched, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Tested", "", time.Now())
	must.Do(t, server.Client.Status().Update(t.Context(), touched))
}

// picture is what a cache keeps, and what it has told.
type picture struct {
	cache  cache.Cache
	mutex  sync.Mutex
	events []string
}

// follow starts a cache of some namespaces.
func follow(t *testing.T, namespaces ...string) *picture {
	t.Helper()
	options := cache.Options{
		Scheme: outline.Scheme(), NewInformer: find.NewInformer, DefaultNamespaces: map[string]cache.Config{},
	}
	for _, namespace := range namespaces {
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	cached := runCache(t, options)
	seen := &picture{cache: cached}
	informer := must.Get(cached.GetInformer(t.Context(), &outline.CertificateRequest{}))(t)
	must.Get(informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { seen.note("add", object) },
		UpdateFunc: func(_, object any) { seen.note("update", object) },
		DeleteFunc: func(object any) { seen.note("delete", object) },
	}))(t)
	return seen
}

func (p *picture) note(event string, object any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	request := object.(*outline.CertificateRequest)
	if request.Waits {
		event = "touched" // which an update tells, or what is added by a list after the update
	}
	p.events = append(p.events, event+" "+request.Namespace+"/"+request.Name)
}

func (p *picture) handled() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.events)
}

func (p *picture) await(t *testing.T, event string) {
	t.Helper()
	eventually(t.Context(), t, event, func(context.Context) (bool, error) {
		return slices.Contains(p.handled(), event), nil
	})
}

// kept are the requests in the cache.
func (p *picture) kept(t *testing.T) []outline.CertificateRequest {
	t.Helper()
	list := &outline.CertificateRequestList{}
	must.Do(t, p.cache.List(t.Context(), list))
	return list.Items
}

// withoutSelectableFields lets the API server forget by what requests can be selected, until the end of the test or
// until that is restored.
func withoutSelectableFields(t *testing.T) (restore func()) {
	t.Helper()
	fields := setSelectableFields(t.Context(), t, nil)
	restore = sync.OnceFunc(func() { setSelectableFields(context.WithoutCancel(t.Context()), t, fields) })
	t.Cleanup(restore)
	return restore
}

// setSelectableFields changes the definition of requests, and returns what it had.
func setSelectableFields(ctx context.Context, t *testing.T, fields any) (before any) {
	t.Helper()
	definition := &unstructured.Unstructured{}
	definition.SetAPIVersion("apiextensions.k8s.io/v1")
	definition.SetKind("CustomResourceDefinition")
	name := client.ObjectKey{Name: "certificaterequests.cert-manager.io"}
	must.Do(t, server.Client.Get(ctx, name, definition))
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	version := versions[0].(map[string]any)
	before = version["selectableFields"]
	version["selectableFields"] = fields
	_ = unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions")
	must.Do(t, server.Client.Update(ctx, definition))
	eventually(ctx, t, "the API server to follow", func(ctx context.Context) (bool, error) {
		err := server.Client.List(ctx, &cmapi.CertificateRequestList{}, client.Limit(1),
			client.MatchingFields{"spec.issuerRef.group": v1alpha1.GroupName})
		return apierrors.IsBadRequest(err) == (fields == nil), nil
	})
	return before
}

func eventually(ctx context.Context, t *testing.T, what string, holds wait.ConditionWithContextFunc) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, holds); err != nil {
		t.Fatalf("waited for %s: %v", what, err)
	}
}

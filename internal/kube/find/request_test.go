package find_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func csr(t *testing.T, keyName string) []byte {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "0123456-7"}}
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key(keyName)))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func request(namespace, name, kind, issuer string, csr []byte) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: cmapi.CertificateRequestSpec{
			Request: csr, IssuerRef: cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: kind, Name: issuer},
		},
	}
}

func digest(t *testing.T, keyName string) string {
	t.Helper()
	return must.Get(pki.PublicKeyDigest(pkitest.Key(keyName).Public()))(t)
}

// startCache is a cache with the indexes of package lookup, that knows what there is.
func startCache(t *testing.T) cache.Cache {
	t.Helper()
	return runCache(t, cache.Options{Scheme: outline.Scheme(), NewInformer: find.NewInformer})
}

// runCache starts a cache with the indexes, and returns when it knows the requests.
func runCache(t *testing.T, options cache.Options) cache.Cache {
	t.Helper()
	cached := must.Get(cache.New(server.Config, options))(t)
	must.Do(t, find.Index(t.Context(), cached))
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	go func() { ended <- cached.Start(ctx) }()
	bounded, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	for _, kind := range []client.Object{&outline.CertificateRequest{}, &v1alpha1.VeroOrder{}} {
		must.Get(cached.GetInformer(bounded, kind))(t)
	}
	if !cached.WaitForCacheSync(bounded) {
		t.Fatal("the cache does not fill")
	}
	return cached
}

func placeOf(request outline.CertificateRequest) string {
	return request.Namespace + "/" + request.Name
}

// sameNames checks what was found by how each is called, in whatever order.
func sameNames[T any](t *testing.T, want []string, found []T, nameOf func(T) string) {
	t.Helper()
	names := make([]string, 0, len(found))
	for i := range found {
		names = append(names, nameOf(found[i]))
	}
	slices.Sort(names)
	slices.Sort(want)
	if difference := cmp.Diff(want, names); difference != "" {
		t.Errorf("found others (-want +got):\n%s", difference)
	}
}

func TestRequestsAreFound(t *testing.T) {
	one, two := server.Namespace(t), server.Namespace(t)
	ours, theirs := csr(t, "ours"), csr(t, "theirs")
	foreign := request(one, "foreign", v1alpha1.KindVeroIssuer, "vero", ours)
	foreign.Spec.IssuerRef.Group = "example.com"
	server.Create(t,
		request(one, "first", v1alpha1.KindVeroIssuer, "vero", ours),
		request(one, "again", v1alpha1.KindVeroIssuer, "vero", ours),
		request(one, "cluster", v1alpha1.KindVeroClusterIssuer, "vero", ours),
		request(one, "theirs", v1alpha1.KindVeroIssuer, "other", theirs),
		request(one, "unknown", "VeroThing", "vero", ours),
		request(one, "unreadable", v1alpha1.KindVeroIssuer, "vero", []byte("?")),
		request(two, "elsewhere", v1alpha1.KindVeroIssuer, "vero", ours),
		request(two, "cluster", v1alpha1.KindVeroClusterIssuer, "vero", theirs),
		foreign)
	cached := startCache(t)
	withKey := func(namespace, digest string) func(client.Reader) ([]outline.CertificateRequest, error) {
		return func(reader client.Reader) ([]outline.CertificateRequest, error) {
			return find.RequestsWithKey(t.Context(), reader, namespace, digest)
		}
	}
	ofIssuer := func(issuer v1alpha1.GenericVeroIssuer) func(client.Reader) ([]outline.CertificateRequest, error) {
		return func(reader client.Reader) ([]outline.CertificateRequest, error) {
			return find.RequestsOfIssuer(t.Context(), reader, issuer)
		}
	}
	for claim, c := range map[string]struct {
		find func(client.Reader) ([]outline.CertificateRequest, error)
		want []string
	}{
		"those with a key, of our kinds, in a namespace": {
			withKey(one, digest(t, "ours")), []string{one + "/again", one + "/cluster", one + "/first"}},
		"those with a key in another namespace": {withKey(two, digest(t, "ours")), []string{two + "/elsewhere"}},
		"none with a key that nobody has":       {withKey(one, digest(t, "nobody's")), []string{}},
		"none without a key":                    {withKey(one, ""), []string{}},
		"those of an issuer": {
			ofIssuer(namespaced(t, one)), []string{one + "/again", one + "/first", one + "/unreadable"}},
		"those of an issuer of that name elsewhere": {ofIssuer(namespaced(t, two)), []string{two + "/elsewhere"}},
		"those of a cluster issuer, everywhere": {
			ofIssuer(clusterWide(t, "vero")), []string{one + "/cluster", two + "/cluster"}},
	} {
		t.Run(claim, func(t *testing.T) {
			for _, reader := range []client.Reader{cached, oneBucket{cached}} {
				sameNames(t, c.want, must.Get(c.find(reader))(t), placeOf)
			}
		})
	}
}

func TestIndexesAreNeeded(t *testing.T) {
	cached := must.Get(cache.New(server.Config, cache.Options{Scheme: outline.Scheme()}))(t)
	must.Do(t, find.Index(t.Context(), cached))
	if err := find.Index(t.Context(), cached); err == nil {
		t.Error("a second preparation of a cache goes unnoticed")
	}
}

func TestConcernsUs(t *testing.T) {
	for claim, c := range map[string]struct {
		group, kind string
		want        bool
	}{
		"an issuer of ours":         {v1alpha1.GroupName, v1alpha1.KindVeroIssuer, true},
		"a cluster issuer of ours":  {v1alpha1.GroupName, v1alpha1.KindVeroClusterIssuer, true},
		"another kind of our group": {v1alpha1.GroupName, "VeroOrder", false},
		"our kind in another group": {"example.com", v1alpha1.KindVeroIssuer, false},
		"cert-manager's own":        {"cert-manager.io", "Issuer", false},
		"nothing said":              {"", "", false},
	} {
		t.Run(claim, func(t *testing.T) {
			request := request("tax", "tax-1", c.kind, "vero", nil)
			request.Spec.IssuerRef.Group = c.group
			cached := outline.OfCertificateRequest(request)
			if got := find.ConcernsUs(&cached); got != c.want {
				t.Errorf("it concerns us: %t", got)
			}
		})
	}
}

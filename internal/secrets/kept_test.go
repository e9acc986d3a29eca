package secrets_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

func TestBundlesAreKeptForSeconds(t *testing.T) {
	namespace := server.Namespace(t)
	one, other := pkitest.Root(t, "one").Certificate, pkitest.Root(t, "other").Certificate
	stored := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trust"},
		Data:       map[string]string{"ca.crt": string(pkitest.PEM(one))},
	}
	server.Create(t, stored)
	bundle := fromConfigMap("trust", "")
	issuer := &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero", UID: "one", Generation: 1},
		Spec:       v1alpha1.VeroIssuerSpec{Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle}},
	}
	now := clocktesting.NewFakeClock(time.Now())
	kept := secrets.NewKeptBundles(server.Client, "", now)
	first := must.Get(kept.Of(t.Context(), issuer))(t)
	stored.Data["ca.crt"] = string(pkitest.PEM(other))
	must.Do(t, server.Client.Update(t.Context(), stored))

	expect := func(claim string, same bool, of *v1alpha1.VeroIssuer) {
		t.Helper()
		if got := must.Get(kept.Of(t.Context(), of))(t); (got.Digest() == first.Digest()) != same {
			t.Errorf("%s: they are as they were: %t", claim, !same)
		}
	}
	expect("at once", true, issuer)
	anew := issuer.DeepCopy()
	anew.UID = "another"
	expect("of an issuer of that name that was made anew", false, anew)
	now.Step(6 * time.Second)
	expect("later", false, issuer)

	first = must.Get(kept.Of(t.Context(), issuer))(t)
	stored.Data["ca.crt"] = string(pkitest.PEM(one))
	must.Do(t, server.Client.Update(t.Context(), stored))
	expect("at once again", true, issuer)
	must.Get(kept.Read(t.Context(), issuer))(t)
	expect("once they were read for a check", false, issuer)

	first = must.Get(kept.Of(t.Context(), issuer))(t)
	stored.Data["ca.crt"] = string(pkitest.PEM(other))
	must.Do(t, server.Client.Update(t.Context(), stored))
	edited := issuer.DeepCopy()
	edited.Generation++
	expect("of an issuer that was edited", false, edited)

	must.Do(t, server.Client.Delete(t.Context(), stored))
	now.Step(time.Minute)
	for range 2 {
		if bundles, err := kept.Of(t.Context(), issuer); err == nil {
			t.Errorf("bundles that are gone are still there: %v", bundles)
		}
	}
}

// TestWhoAsksMeanwhileGetsWhatIsRead: many workers find at the same moment that what is kept is too old.
func TestWhoAsksMeanwhileGetsWhatIsRead(t *testing.T) {
	stored := map[string]string{"ca.crt": string(pkitest.PEM(pkitest.Root(t, "root").Certificate))}
	bundle := fromConfigMap("trust", "")
	issuer := &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: "anywhere", Name: "vero", UID: "busy", Generation: 1},
		Spec:       v1alpha1.VeroIssuerSpec{Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle}},
	}
	synctest.Test(t, func(t *testing.T) {
		slow := &slowReader{data: stored}
		kept := secrets.NewKeptBundles(slow, "", clock.RealClock{})
		var all errgroup.Group
		for range 16 {
			all.Go(func() error {
				bundles, err := kept.Of(t.Context(), issuer)
				if err == nil && bundles.Digest() == "" {
					err = errors.New("nothing was read")
				}
				return err
			})
		}
		must.Do(t, all.Wait())
		if reads := slow.reads.Load(); reads != 1 {
			t.Errorf("the ConfigMap was read %d times", reads)
		}
	})
}

// slowReader takes a second for a ConfigMap. An API server cannot be made to by the second.
type slowReader struct {
	client.Reader
	data  map[string]string
	reads atomic.Int32
}

func (r *slowReader) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	r.reads.Add(1)
	<-time.After(time.Second)
	object.(*corev1.ConfigMap).Data = r.data
	return nil
}

// TestLargeBundlesAreNotKept: whoever may create issuers could fill the memory with them.
func TestLargeBundlesAreNotKept(t *testing.T) {
	namespace := server.Namespace(t)
	many := pkitest.PEM(pkitest.Root(t, "root").Certificate)
	for range 60 {
		many = append(many, pkitest.PEM(pkitest.Root(t, "root").Certificate)...)
	}
	stored := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trust"}, Data: map[string]string{"ca.crt": string(many)},
	}
	server.Create(t, stored)
	bundle := fromConfigMap("trust", "")
	issuer := &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero", UID: "large", Generation: 1},
		Spec:       v1alpha1.VeroIssuerSpec{Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle}},
	}
	kept := secrets.NewKeptBundles(server.Client, "", clocktesting.NewFakeClock(time.Now()))
	first := must.Get(kept.Of(t.Context(), issuer))(t)
	if second := must.Get(kept.Of(t.Context(), issuer))(t); second == first {
		t.Errorf("%d bytes of PEM are kept", len(many))
	}
}

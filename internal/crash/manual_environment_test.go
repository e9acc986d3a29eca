package crash_test

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// manualIssuerRef names the issuer whose certificates a person fetches.
var manualIssuerRef = cmmeta.IssuerReference{
	Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv",
}

// manualEnvironment is where a person fetches one certificate.
type manualEnvironment struct {
	base

	authority *pkitest.Authority
	// moves are what the person and cert-manager have not done yet.
	moves []move
	// staged is the Secret with the private key in preparation, as cert-manager has made it.
	staged *corev1.Secret
	// taken are the certificates that orders have been seen with.
	taken map[types.UID]string
	// processes are all controllers that have run.
	processes []*process
}

// move is what somebody does once the order for the key in preparation allows it.
type move struct {
	when func(*v1alpha1.ManualOrder) bool
	do   func(*manualEnvironment)
}

// inState is an order in a state, with the reason of its condition Ready.
func inState(state v1alpha1.ManualOrderState, reason string) func(*v1alpha1.ManualOrder) bool {
	return func(order *v1alpha1.ManualOrder) bool {
		ready := orderstate.Ready(order)
		return order.Status.State == state && ready != nil && ready.Reason == reason
	}
}

// newManualEnvironment prepares one; the certificate in use ends after a time, and there is none where that is zero.
func newManualEnvironment(t *testing.T, inUse time.Duration, moves []move) *manualEnvironment {
	t.Helper()
	e := &manualEnvironment{
		base: newBase(t), authority: pkitest.Root(t, "DVV"), moves: moves, taken: map[types.UID]string{},
	}
	issuer := &v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: manualIssuerRef.Name},
		Spec:       v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(e.authority.Certificate)}},
	}
	e.must(server.Client.Create(t.Context(), issuer))
	meta.SetStatusCondition(&issuer.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonChecked,
		ObservedGeneration: issuer.Generation,
	})
	e.must(server.Client.Status().Update(t.Context(), issuer))
	if inUse > 0 {
		key := pkitest.Key("held")
		leaf := e.authority.Issue(t, key, customerID, pkitest.Dates(pkitest.NotBefore, e.clock.Now().Add(inUse)))
		e.earlierSecret = tlsSecret(&e.base, pkitest.PEM(leaf), key)
		server.Create(t, e.earlierSecret)
	}
	e.begin(&e.base, manualIssuerRef)
	e.rememberStaged()
	return e
}

func (e *manualEnvironment) rememberStaged() {
	e.Helper()
	e.staged = &corev1.Secret{}
	e.read(nextKeySecretName, e.staged)
}

// stage replaces the private key in preparation, as cert-manager does when it is gone.
func (e *manualEnvironment) stage(name string) {
	e.Helper()
	e.key = pkitest.Key(name)
	e.staged.Data[corev1.TLSPrivateKeyKey] = pkitest.KeyPEM(e, name)
	e.must(server.Client.Update(e.Context(), e.staged))
}

// replaceRequest deletes the request, and makes another one for the key in preparation.
func (e *manualEnvironment) replaceRequest() {
	e.Helper()
	request := e.request()
	e.must(server.Client.Delete(e.Context(), request))
	e.makeRequest(request)
}

func (e *manualEnvironment) makeRequest(like *cmapi.CertificateRequest) {
	e.Helper()
	next := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: e.namespace, Name: requestName, Annotations: like.Annotations, OwnerReferences: like.OwnerReferences,
		},
		Spec: cmapi.CertificateRequestSpec{
			Request: pemOf("CERTIFICATE REQUEST", sign(&e.base, e.key)), IssuerRef: manualIssuerRef,
		},
	}
	status.Set(next, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "cert-manager.io", "approved",
		e.clock.Now())
	server.Create(e.T, next)
}

// order is the one for the key in preparation, nil if there is none.
func (e *manualEnvironment) order() *v1alpha1.ManualOrder {
	e.Helper()
	digest, err := pki.PublicKeyDigest(&e.key.PublicKey)
	e.must(err)
	for _, object := range e.orderObjects() {
		if order := object.(*v1alpha1.ManualOrder); order.Spec.PublicKeyDigest == digest {
			return order
		}
	}
	return nil
}

func (e *manualEnvironment) orderObjects() []client.Object {
	e.Helper()
	orders := &v1alpha1.ManualOrderList{}
	e.must(server.Client.List(e.Context(), orders, client.InNamespace(e.namespace)))
	objects := make([]client.Object, 0, len(orders.Items))
	for i := range orders.Items {
		objects = append(objects, &orders.Items[i])
	}
	return objects
}

// patch is what a person does to the order.
func (e *manualEnvironment) patch(change func(*v1alpha1.ManualOrderSpec)) {
	e.Helper()
	order := e.order()
	before := order.DeepCopy()
	change(&order.Spec)
	e.must(server.Client.Patch(e.Context(), order, client.MergeFrom(before)))
}

// apply notes an application.
func apply(e *manualEnvironment) {
	e.patch(func(spec *v1alpha1.ManualOrderSpec) {
		spec.Application = &v1alpha1.ManualApplication{Reference: "DVV-7"}
	})
}

// issue is the certificate for a key, which begins after a time.
func (e *manualEnvironment) issue(key *rsa.PrivateKey, begins time.Duration) string {
	e.Helper()
	return string(pkitest.PEM(e.authority.Issue(e.T, key, customerID, func(template *x509.Certificate) {
		template.NotBefore = e.clock.Now().Add(begins)
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	})))
}

// bring puts what came into a ConfigMap that the order names.
func (e *manualEnvironment) bring(text string) {
	e.Helper()
	configMap := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "came"}, Data: map[string]string{"certificate": text},
	}
	if e.order().Spec.CertificateFrom != nil {
		e.must(server.Client.Update(e.Context(), configMap))
		return
	}
	server.Create(e.T, configMap)
	e.patch(func(spec *v1alpha1.ManualOrderSpec) {
		spec.CertificateFrom = &v1alpha1.CertificateSource{
			ConfigMapKeyRef: &v1alpha1.KeyReference{Name: configMap.Name, Key: "certificate"},
		}
	})
}

func bringRight(e *manualEnvironment) { e.bring(e.issue(e.key, -time.Hour)) }

func bringInline(e *manualEnvironment) {
	text := e.issue(e.key, -time.Hour)
	e.patch(func(spec *v1alpha1.ManualOrderSpec) { spec.Certificate = text })
}

// verify says whether what was promised was kept, whatever has happened to controllers.
func (e *manualEnvironment) verify() {
	e.Helper()
	byKey := map[string]string{}
	for _, object := range e.orderObjects() {
		order := object.(*v1alpha1.ManualOrder)
		if other := byKey[order.Spec.PublicKeyDigest]; other != "" {
			e.Errorf("ManualOrders %s and %s are for the same key", other, order.Name)
		}
		byKey[order.Spec.PublicKeyDigest] = order.Name
		delete(e.taken, order.UID)
	}
	if len(e.taken) > 0 {
		e.Errorf("%d orders are gone with the certificates that they had taken", len(e.taken))
	}
	e.verifyChain()
	e.verifyReminders()
}

// verifyChain: the request is Ready, and its chain is verified for the key in preparation.
func (e *manualEnvironment) verifyChain() {
	e.Helper()
	request := e.request()
	bundle, err := pki.ParseBundle(request.Status.Certificate)
	e.must(err)
	leaf := bundle.Certificates[0]
	if !e.key.PublicKey.Equal(leaf.PublicKey) {
		e.Error("the certificate is for another key than the one in preparation")
	}
	roots := x509.NewCertPool()
	roots.AddCert(e.authority.Certificate)
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: e.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		e.Errorf("the chain of the request does not hold: %v", err)
	}
}

// verifyReminders: none was given twice, by whichever controller.
func (e *manualEnvironment) verifyReminders() {
	e.Helper()
	for text, count := range e.reminders() {
		if count > 1 {
			e.Errorf("somebody was reminded %d times that the certificate %s", count, text)
		}
	}
}

// reminders are how often each was given.
func (e *manualEnvironment) reminders() map[string]int {
	given := map[string]int{}
	for _, process := range e.processes {
		for len(process.events.Events) > 0 {
			if _, after, is := strings.Cut(<-process.events.Events, "the certificate in use ends within "); is {
				given[strings.SplitN(after, ",", 2)[0]]++
			}
		}
	}
	return given
}

func (e *manualEnvironment) describe() string {
	e.Helper()
	var text strings.Builder
	requests := &cmapi.CertificateRequestList{}
	e.must(server.Client.List(e.Context(), requests, client.InNamespace(e.namespace)))
	for i := range requests.Items {
		fmt.Fprintf(&text, "request: %+v\n", requests.Items[i].Status.Conditions)
	}
	for _, object := range e.orderObjects() {
		order := object.(*v1alpha1.ManualOrder)
		fmt.Fprintf(&text, "order %s: %s %+v\n", order.Name, order.Status.State, orderstate.Ready(order))
	}
	return text.String()
}

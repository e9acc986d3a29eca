package outline_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

var moment = metav1.Unix(1_800_000_000, 0)

// inCache ignores what is on its way to a Fresh.
var inCache = cmpopts.IgnoreUnexported(outline.CertificateRequest{})

// metadata are those of an object, of which kept is what an outline has.
func metadata() (all, kept metav1.ObjectMeta) {
	kept = metav1.ObjectMeta{
		Namespace: "stamps", Name: "stamping-1", UID: "0a3e", ResourceVersion: "7", CreationTimestamp: moment,
		DeletionTimestamp: &moment,
	}
	all = *kept.DeepCopy()
	all.Labels, all.Finalizers = map[string]string{"team": "tax"}, []string{"example.com/keep"}
	all.Annotations = map[string]string{cmapi.CertificateNameKey: "stamping"}
	all.OwnerReferences = []metav1.OwnerReference{{Kind: "Certificate", Name: "stamping"}}
	all.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	return all, kept
}

// read is what a client reads of an object that knows outlines.
func read[T any](t *testing.T, whole any) (kept T) {
	t.Helper()
	must.Do(t, json.Unmarshal(must.Get(json.Marshal(whole))(t), &kept))
	return kept
}

func TestWhatIsKeptOfARequest(t *testing.T) {
	key := pkitest.Key("ours")
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key))(t)
	approved := cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, Message: "approved",
	}
	ready := cmapi.CertificateRequestCondition{Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionTrue}
	all, kept := metadata()
	kept.DeletionTimestamp, all.DeletionTimestamp = nil, nil
	for claim, c := range map[string]struct {
		conditions []cmapi.CertificateRequestCondition
		csr        []byte
		want       outline.CertificateRequest
	}{
		"that it waits": {
			[]cmapi.CertificateRequestCondition{approved}, der,
			outline.CertificateRequest{PublicKeyDigest: must.Get(pki.PublicKeyDigest(key.Public()))(t), Waits: true},
		},
		"that it has its certificate, and no key that cannot be read": {
			[]cmapi.CertificateRequestCondition{approved, ready}, []byte("?"), outline.CertificateRequest{Ready: true},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			request := &cmapi.CertificateRequest{ObjectMeta: all}
			request.Spec = cmapi.CertificateRequestSpec{
				Request:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: c.csr}),
				IssuerRef: cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: "ManualIssuer", Name: "dvv"},
				Username:  "cert-manager", Usages: cmapi.DefaultKeyUsages(),
			}
			request.Status.Conditions, request.Status.Certificate = c.conditions, []byte("chain")
			c.want.ObjectMeta, c.want.Certificate, c.want.IssuerRef = kept, "stamping", request.Spec.IssuerRef
			if difference := cmp.Diff(c.want, read[outline.CertificateRequest](t, request), inCache); difference != "" {
				t.Errorf("it differs (-want +got):\n%s", difference)
			}
		})
	}
}

func TestWhatIsKeptOfAnOrder(t *testing.T) {
	all, kept := metadata()
	reference := v1alpha1.ManualIssuerReference{Kind: "ManualIssuer", Name: "dvv"}
	due := metav1.Condition{
		Type: v1alpha1.ConditionPersonDue, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonApplicationDue,
		Message: "carry",
	}
	order := &v1alpha1.ManualOrder{ObjectMeta: all, Spec: v1alpha1.ManualOrderSpec{
		IssuerRef: reference, PublicKeyDigest: "5e1f", Request: []byte("CSR"), Certificate: "chain",
		Renews: &v1alpha1.ManualRenewal{SerialNumber: "17", NotAfter: moment},
	}}
	order.Status = v1alpha1.ManualOrderStatus{
		State: v1alpha1.ManualOrderStale, CompletionTime: &moment, StaleTime: &moment, Certificate: []byte("chain"),
		Instructions: []v1alpha1.OrderInstructions{{Language: "en", Steps: "carry"}}, Conditions: []metav1.Condition{due},
	}
	want := outline.ManualOrder{
		ObjectMeta: kept, Certificate: "stamping", IssuerRef: reference, PublicKeyDigest: "5e1f", Brought: true,
		RenewsUntil: &moment, State: v1alpha1.ManualOrderStale, CompletionTime: &moment, StaleTime: &moment,
		PersonDue: v1alpha1.ReasonApplicationDue,
	}
	if difference := cmp.Diff(want, read[outline.ManualOrder](t, order)); difference != "" {
		t.Errorf("it differs (-want +got):\n%s", difference)
	}
	order.Status.Conditions[0].Status, want.PersonDue = metav1.ConditionFalse, ""
	if difference := cmp.Diff(want, read[outline.ManualOrder](t, order)); difference != "" {
		t.Errorf("where nobody is due, it differs (-want +got):\n%s", difference)
	}
}

// TestOfAnIssuedOrderTheLeafIsKept, with all that a decision is made from.
func TestOfAnIssuedOrderTheLeafIsKept(t *testing.T) {
	all, _ := metadata()
	root := pkitest.Root(t, "above it")
	leaf, rest := pkitest.PEM(root.Issue(t, pkitest.Key("ours"), "leaf")), pkitest.PEM(root.Certificate)
	order := &v1alpha1.VeroOrder{ObjectMeta: all, Spec: v1alpha1.VeroOrderSpec{
		IssuerRef: v1alpha1.OrderIssuerReference{Kind: "VeroIssuer", Name: "vero", UID: "1"}, CustomerID: "0123456-7",
		Request: []byte("CSR"), PublicKeyDigest: "5e1f", RequestUID: "2", Attempt: 3,
		Renewal: &v1alpha1.RenewalAuthorization{SecretName: "tls", SerialNumber: "17"},
	}}
	order.Status = v1alpha1.VeroOrderStatus{
		State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval-1", CompletionTime: &moment,
		Certificate: slices.Concat(leaf, rest), CA: rest,
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonIssued, Message: "it was"}},
	}
	for state, leaveOut := range map[v1alpha1.VeroOrderState]func(*v1alpha1.VeroOrder){
		v1alpha1.VeroOrderSubmitting: func(*v1alpha1.VeroOrder) {},
		v1alpha1.VeroOrderSubmitted:  func(want *v1alpha1.VeroOrder) { want.Spec.Request = nil },
		v1alpha1.VeroOrderIssued: func(want *v1alpha1.VeroOrder) {
			want.Spec.Request, want.Status.CA, want.Status.Certificate = nil, nil, leaf
		},
	} {
		order.Status.State = state
		want := order.DeepCopy()
		want.ManagedFields = nil
		leaveOut(want)
		kept := order.DeepCopy()
		for range 2 { // an informer may ask again for what it has
			must.Get(outline.Trim(kept))(t)
		}
		if difference := cmp.Diff(want, kept); difference != "" {
			t.Errorf("%s: it differs (-want +got):\n%s", state, difference)
		}
		if outline.Trimmed(kept) != (state == v1alpha1.VeroOrderIssued) || outline.Trimmed(order) {
			t.Errorf("%s: it is not told from a whole one", state)
		}
	}
}

func TestListsAreReadWithTheirVersion(t *testing.T) {
	listed := metav1.ListMeta{ResourceVersion: "17", Continue: "more"}
	one := metav1.ObjectMeta{Name: "one"}
	requests := read[outline.CertificateRequestList](t, &cmapi.CertificateRequestList{
		ListMeta: listed, Items: []cmapi.CertificateRequest{{ObjectMeta: one}},
	})
	orders := read[outline.ManualOrderList](t, &v1alpha1.ManualOrderList{
		ListMeta: listed, Items: []v1alpha1.ManualOrder{{ObjectMeta: one}},
	})
	if requests.ListMeta != listed || orders.ListMeta != listed {
		t.Errorf("the lists are %+v and %+v", requests.ListMeta, orders.ListMeta)
	}
	if len(requests.Items) != 1 || requests.Items[0].Name != "one" ||
		len(orders.Items) != 1 || orders.Items[0].Name != "one" {
		t.Errorf("in them are %+v and %+v", requests.Items, orders.Items)
	}
}

// TestTheEndOfWhatWasThereIsKept, without which a cache that is streamed to it waits for ever.
func TestTheEndOfWhatWasThereIsKept(t *testing.T) {
	end := metav1.ObjectMeta{
		ResourceVersion: "17", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}
	if kept := read[outline.ManualOrder](t, &v1alpha1.ManualOrder{ObjectMeta: end}); !cmp.Equal(kept.ObjectMeta, end) {
		t.Errorf("it is %+v", kept.ObjectMeta)
	}
}

func TestCopiesAreEqualAndShareNothing(t *testing.T) {
	_, kept := metadata()
	order := outline.ManualOrder{ObjectMeta: kept, RenewsUntil: moment.DeepCopy(), StaleTime: moment.DeepCopy()}
	request := outline.CertificateRequest{ObjectMeta: kept, PublicKeyDigest: "5e1f"}
	for _, object := range []runtime.Object{
		&order, &outline.ManualOrderList{Items: []outline.ManualOrder{order}},
		&request, &outline.CertificateRequestList{Items: []outline.CertificateRequest{request}},
	} {
		if difference := cmp.Diff(object, object.DeepCopyObject(), inCache); difference != "" {
			t.Errorf("a copy of %T differs:\n%s", object, difference)
		}
	}
	copied := order.DeepCopyObject().(*outline.ManualOrder)
	if copied.DeletionTimestamp == order.DeletionTimestamp || copied.RenewsUntil == order.RenewsUntil {
		t.Error("a copy shares its times")
	}
}

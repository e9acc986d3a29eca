package backend

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

const year = 365 * 24 * time.Hour

// change makes a snapshot of another one.
type change func(*snapshot)

// snapshotOf is of a request with an issuer, and without an order.
func snapshotOf(t *testing.T, changes ...change) *snapshot {
	t.Helper()
	s := &snapshot{now: pkitest.Now, request: &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "stamps", Name: "stamping-1", Annotations: map[string]string{
			cmapi.CertificateNameKey: "stamping",
		}},
		Spec: cmapi.CertificateRequestSpec{
			Request: csrOf(t, pkitest.Key("stamping"), "stamping.example.fi"),
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv",
			},
		},
	}, issuer: &v1alpha1.ManualIssuer{ObjectMeta: metav1.ObjectMeta{Name: "dvv"}}}
	for _, change := range changes {
		change(s)
	}
	if err := s.examine(); err != nil {
		t.Fatal(err)
	}
	return s
}

// csrOf is a request for a name with a key, in PEM.
func csrOf(t *testing.T, key crypto.Signer, name string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ordered adds the order of the request, in a state and with a certificate that ends so long from now.
func ordered(t *testing.T, state v1alpha1.ManualOrderState, left time.Duration) change {
	t.Helper()
	return func(s *snapshot) {
		if err := s.examine(); err != nil {
			t.Fatal(err)
		}
		order := s.newOrder()
		order.Status.State = state
		order.Status.Certificate, order.Status.NotAfter = []byte("chain"), &metav1.Time{Time: s.now.Add(left)}
		order.Status.Conditions = []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Reason: "Why", Message: "what it says"},
		}
		s.orders = append(s.orders, *order)
	}
}

// inUse has a certificate that ends so long from now in the Secret.
func inUse(t *testing.T, left time.Duration) change {
	t.Helper()
	return inUseWith(t, "stamping", left)
}

// inUseWith has one with a key.
func inUseWith(t *testing.T, key string, left time.Duration) change {
	t.Helper()
	return func(s *snapshot) {
		s.current = pkitest.Root(t, "DVV").Issue(t, pkitest.Key(key), "stamping.example.fi",
			func(c *x509.Certificate) { c.NotAfter = s.now.Add(left) })
		s.serialNumber = "5"
	}
}

func TestWhatARequestNeeds(t *testing.T) {
	dvv := func(s *snapshot) { s.issuer.ManualSpec().Preset = v1alpha1.ManualPresetDVVInterfaceCertificate }
	for claim, c := range map[string]struct {
		changes []change
		verb    gate.Verb
		reason  string
		says    string
	}{
		"an order where there is none": {nil, gate.Create, v1alpha1.ReasonOrderCreated, "a person has to carry it"},
		"no order for a CSR that cannot be read": {
			[]change{func(s *snapshot) { s.request.Spec.Request = []byte("no") }},
			gate.Refuse, v1alpha1.ReasonInvalidRequest, "spec.request cannot be read"},
		"no order for an authority": {
			[]change{func(s *snapshot) { s.request.Spec.IsCA = true }},
			gate.Refuse, v1alpha1.ReasonInvalidRequest, "remove spec.isCA"},
		"no order for a key that is not taken": {
			[]change{dvv, func(s *snapshot) {
				s.request.Spec.Request = csrOf(t, ecKey(t), "stamping.example.fi")
			}}, gate.Refuse, v1alpha1.ReasonInvalidRequest, "RSA with 2048 or 4096 bits: set spec.privateKey"},
		"no order while nobody vouches for it": {
			[]change{func(s *snapshot) { s.unproven = "nobody vouches" }},
			gate.Wait, v1alpha1.ReasonWaitingForCertificate, "nobody vouches"},
		"no order without an issuer": {
			[]change{func(s *snapshot) { s.issuer = nil }},
			gate.Wait, v1alpha1.ReasonIssuerNotFound, "ManualIssuer dvv does not exist"},
		"what its order says": {
			[]change{ordered(t, v1alpha1.ManualOrderApplied, year)}, gate.Follow, "Why", "what it says"},
		"a stale order goes on": {
			[]change{ordered(t, v1alpha1.ManualOrderStale, year)}, gate.Follow, v1alpha1.ReasonOrderCreated, "goes on"},
		"a stale order stays so while nobody vouches for the request": {
			[]change{ordered(t, v1alpha1.ManualOrderStale, year), func(s *snapshot) { s.unproven = "nobody vouches" }},
			gate.Follow, "Why", "what it says"},
		"the certificate of its order": {
			[]change{ordered(t, v1alpha1.ManualOrderIssued, year)}, gate.Deliver, "Why", ""},
		"a renewal is delivered": {
			[]change{inUse(t, year/12), ordered(t, v1alpha1.ManualOrderIssued, year)}, gate.Deliver, "Why", ""},
		"also one that ends no later": {
			[]change{inUse(t, year), ordered(t, v1alpha1.ManualOrderIssued, year)}, gate.Deliver, "Why", ""},
		"not the certificate that is in use, with the same key": {
			[]change{ordered(t, v1alpha1.ManualOrderIssued, 2*year), inUse(t, year), func(s *snapshot) {
				s.orders[0].Status.SerialNumber = s.serialNumber
			}}, gate.Create, v1alpha1.ReasonOrderCreated, ""},
		"not the one before that": {
			[]change{ordered(t, v1alpha1.ManualOrderIssued, year/2), inUse(t, year)},
			gate.Create, v1alpha1.ReasonOrderCreated, ""},
		"one that ends sooner than that in use, which has another key": {
			[]change{inUseWith(t, "another", year), ordered(t, v1alpha1.ManualOrderIssued, year/2)}, gate.Deliver, "Why", ""},
		"one that ends sooner than that in use, which it was ordered to replace": {
			[]change{inUse(t, year), ordered(t, v1alpha1.ManualOrderIssued, year/2)}, gate.Deliver, "Why", ""},
		"of several the one that is nearest to its end": {
			[]change{ordered(t, v1alpha1.ManualOrderStale, year), ordered(t, v1alpha1.ManualOrderIssued, year)},
			gate.Deliver, "Why", ""},
		"not the order of another issuer": {
			[]change{ordered(t, v1alpha1.ManualOrderIssued, year), func(s *snapshot) {
				s.orders[0].Spec.IssuerRef.Name = "other"
			}}, gate.Create, v1alpha1.ReasonOrderCreated, ""},
		"not an order for other names": {
			[]change{ordered(t, v1alpha1.ManualOrderIssued, year), func(s *snapshot) {
				s.request.Spec.Request = csrOf(t, pkitest.Key("stamping"), "other.example.fi")
			}}, gate.Create, v1alpha1.ReasonOrderCreated, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			decision := decide(snapshotOf(t, c.changes...))
			if decision.Verb != c.verb || decision.Reason != c.reason || !strings.Contains(decision.Message, c.says) {
				t.Errorf("it is %+v", decision)
			}
		})
	}
}

// TestTheNameOfAnOrder is the lock against a second one: the same for the same, and another for anything else.
func TestTheNameOfAnOrder(t *testing.T) {
	first := snapshotOf(t).newOrder()
	if again := snapshotOf(t).newOrder(); again.Name != first.Name || first.Spec.Renews != nil {
		t.Errorf("%s and %s", first.Name, again.Name)
	}
	renewal := snapshotOf(t, inUse(t, year)).newOrder()
	if renewal.Name == first.Name || renewal.Spec.Renews == nil || renewal.Spec.Renews.SerialNumber != "5" {
		t.Errorf("the renewal is %s, %+v", renewal.Name, renewal.Spec.Renews)
	}
	if first.Annotations[cmapi.CertificateNameKey] != "stamping" || first.Labels[v1alpha1.LabelPublicKey] == "" {
		t.Errorf("the order is marked with %v and %v", first.Annotations, first.Labels)
	}
}

// TestAnOrderThatHasTheNameAndDoesNotServe is told, for the request would wait for the cache for ever.
func TestAnOrderThatHasTheNameAndDoesNotServe(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*v1alpha1.ManualOrder)
		says   string
	}{
		"the cache is behind": {func(*v1alpha1.ManualOrder) {}, ""},
		"it is on its way out": {func(order *v1alpha1.ManualOrder) {
			order.DeletionTimestamp = &metav1.Time{Time: pkitest.Now}
		}, ""},
		"a finalizer keeps it": {func(order *v1alpha1.ManualOrder) {
			order.DeletionTimestamp, order.Finalizers = &metav1.Time{Time: pkitest.Now}, []string{"example.com/kept"}
		}, "its finalizers keep it"},
		"made by hand, with another CSR": {func(order *v1alpha1.ManualOrder) {
			order.Spec.Request = []byte("no CSR")
		}, "made it by hand; delete it"},
		"made by hand, with another digest": {func(order *v1alpha1.ManualOrder) {
			order.Spec.PublicKeyDigest = strings.Repeat("0", 64)
		}, "made it by hand; delete it"},
		"for another issuer": {func(order *v1alpha1.ManualOrder) {
			order.Spec.IssuerRef.Name = "other"
		}, "was made for ManualIssuer other"},
	} {
		t.Run(claim, func(t *testing.T) {
			wanted := snapshotOf(t).newOrder()
			existing := wanted.DeepCopy()
			c.change(existing)
			err := checkExisting(wanted)(existing)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

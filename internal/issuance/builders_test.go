package issuance_test

import (
	"crypto/x509"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

const (
	customer     = "0123456-7"
	window       = 1440 * time.Hour
	timeout      = 24 * time.Hour
	ourRequest   = types.UID("request-1")
	otherRequest = types.UID("request-2")
	retrievalID  = "retrieval-1"
	transferID   = "digest-of-the-transfer-id"
	password     = "aaaa"
	trustDigest  = "bundles-1"
	generation   = int64(1)
)

var (
	now = pkitest.Now
	// ourKey and otherKey are digests of public keys.
	ourKey, otherKey = digestOf("ours"), digestOf("another's")
)

// The service's refusals.
var (
	pki005 = refusal(vero.CodeWrongEnvironment)
	pki010 = refusal(vero.CodeSignature)
	pki015 = refusal(vero.CodeCertificate)
	pki020 = refusal(vero.CodeCredentials)
	pki030 = refusal(vero.CodeRequest)
	pki080 = refusal(vero.CodeTooEarly)
	pki099 = refusal(vero.CodeTechnical)
)

// refusal is the service's answer with a code, in its own words.
func refusal(code vero.Code) *vero.ServiceError {
	e := &vero.ServiceError{Code: code}
	meaning, _ := e.Meaning()
	e.Text = meaning.Text
	return e
}

var digests sync.Map

// digestOf is the digest of the public key with a name.
func digestOf(keyName string) string {
	if digest, known := digests.Load(keyName); known {
		return digest.(string)
	}
	digest, err := pki.PublicKeyDigest(pkitest.Key(keyName).Public())
	if err != nil {
		panic(err)
	}
	digests.Store(keyName, digest)
	return digest
}

// change makes a snapshot differ from the plain one.
type change func(*issuance.Snapshot)

// requested is the snapshot of a first request, with an issuer that is ready and nothing else.
func requested(changes ...change) issuance.Snapshot {
	snapshot := issuance.Snapshot{
		Now: now,
		Issuer: facts.Issuer{
			Kind: v1alpha1.KindVeroIssuer, Name: "vero", Exists: true, Ready: true, Message: "fine",
			Environment: v1alpha1.EnvironmentTest, CustomerID: customer, Window: window, Timeout: timeout,
			Generation: generation, TrustDigest: trustDigest,
		},
		Transfer: facts.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"},
		Request:  issuance.Request{UID: ourRequest, PublicKeyDigest: ourKey},
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

// ordered is the snapshot of an order that a request waits for, with what it was made with still in place.
func ordered(order *v1alpha1.VeroOrder, changes ...change) issuance.Snapshot {
	snapshot := requested(credentials())
	snapshot.Request = issuance.Request{}
	snapshot.Order, snapshot.Wanted = order, true
	if order.Spec.Renewal != nil {
		snapshot.Transfer = facts.Transfer{}
		currentUntil(order.Spec.Renewal.NotAfter.Time)(&snapshot)
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

func at(moment time.Time) change { return func(s *issuance.Snapshot) { s.Now = moment } }

func issuer(change func(*facts.Issuer)) change {
	return func(s *issuance.Snapshot) { change(&s.Issuer) }
}

var (
	issuerMissing = issuer(func(i *facts.Issuer) { *i = facts.Issuer{Kind: i.Kind, Name: i.Name} })
	issuerUnready = issuer(func(i *facts.Issuer) { i.Ready, i.Message = false, "no connection" })
	otherCustomer = issuer(func(i *facts.Issuer) { i.CustomerID = "7654321-0" })
	production    = issuer(func(i *facts.Issuer) { i.Environment = v1alpha1.EnvironmentProduction })
	noBundles     = issuer(func(i *facts.Issuer) { i.Ready, i.TrustDigest, i.Message = false, "", "no bundles" })
	issuerEdited  = issuer(func(i *facts.Issuer) { i.Generation++ })
	bundleEdited  = issuer(func(i *facts.Issuer) { i.TrustDigest = "bundles-2" })
)

// credentials are the ones that orders are made with here.
func credentials() change {
	return func(s *issuance.Snapshot) {
		s.Transfer = facts.Transfer{SecretName: "vero-transfer", IDDigest: transferID, Fingerprint: password}
	}
}

// ownCredentials makes the credentials those that the Certificate itself names.
func ownCredentials(s *issuance.Snapshot) { s.Transfer.Named = true }

func newPassword() change {
	return func(s *issuance.Snapshot) { credentials()(s); s.Transfer.Fingerprint = "bbbb" }
}

func newCredentials() change {
	return func(s *issuance.Snapshot) { credentials()(s); s.Transfer.IDDigest = "digest-of-another-transfer-id" }
}

func noCredentials() change {
	return func(s *issuance.Snapshot) {
		s.Transfer = facts.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"}
	}
}

// currentUntil is a usable certificate with the serial number abc.
func currentUntil(notAfter time.Time) change {
	return func(s *issuance.Snapshot) {
		s.Current = facts.Current{SecretName: "tls", SerialNumber: "abc", NotAfter: notAfter}
	}
}

// unusable makes the current certificate one that cannot sign a renewal.
func unusable(problem string) change {
	return func(s *issuance.Snapshot) { s.Current.Problem = problem }
}

func current(leaf *x509.Certificate) change {
	return func(s *issuance.Snapshot) {
		s.Current = facts.Current{
			SecretName: "tls", SerialNumber: facts.SerialNumber(leaf), NotAfter: leaf.NotAfter,
		}
	}
}

func invalid(problem string) change {
	return func(s *issuance.Snapshot) { s.Request.Invalid = problem }
}

func with(orders ...*v1alpha1.VeroOrder) change {
	return func(s *issuance.Snapshot) {
		for _, order := range orders {
			s.Orders = append(s.Orders, *order)
		}
	}
}

// want is what a decision must be. Zero fields are not looked at, but for the Verb.
type want struct {
	verb      issuance.Verb
	reason    string
	operation v1alpha1.Operation
	attempt   int32
	at        time.Time
	order     string
	says      []string
}

func (w want) check(t *testing.T, got issuance.Action) {
	t.Helper()
	if got.Verb != w.verb {
		t.Fatalf("decided to %s (%s: %s), want %s", got.Verb, got.Reason, got.Message, w.verb)
	}
	if w.reason != "" && got.Reason != w.reason {
		t.Errorf("the reason is %s (%s), want %s", got.Reason, got.Message, w.reason)
	}
	if got.Operation != w.operation || got.Attempt != w.attempt {
		t.Errorf("the order is %s, attempt %d, want %s, attempt %d", got.Operation, got.Attempt, w.operation, w.attempt)
	}
	if !w.at.IsZero() && !got.At.Equal(w.at) {
		t.Errorf("looks again at %s, want %s", got.At, w.at)
	}
	name := ""
	if got.Order != nil {
		name = got.Order.Name
	}
	if w.order != "" && name != w.order {
		t.Errorf("the order is %q, want %q", name, w.order)
	}
	for _, text := range w.says {
		if !strings.Contains(got.Message, text) {
			t.Errorf("the message does not say %q: %s", text, got.Message)
		}
	}
}

// unchangedBy checks that a change leaves an order as it is.
func unchangedBy(t *testing.T, order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder)) {
	t.Helper()
	before := order.DeepCopy()
	change(order)
	if difference := cmp.Diff(before, order); difference != "" {
		t.Errorf("the order has changed (-before +after):\n%s", difference)
	}
}

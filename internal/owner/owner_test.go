package owner_test

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
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/owner"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// issuance is what cert-manager has made in the middle of an issuance: a Certificate, the private key that it has in
// preparation, and a request with that key.
type issuance struct {
	certificate *cmapi.Certificate
	staged      *corev1.Secret
	request     *cmapi.CertificateRequest
}

func csr(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der := must.Get(x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: "0123456-7"}}, key))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// begin makes the objects of an issuance, after what they are has been changed.
func begin(t *testing.T, changes ...func(*issuance)) *issuance {
	t.Helper()
	namespace := server.Namespace(t)
	issuer := cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"}
	i := &issuance{
		certificate: &cmapi.Certificate{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tax"},
			Spec:       cmapi.CertificateSpec{SecretName: "tax-tls", CommonName: "0123456-7", IssuerRef: issuer},
			Status:     cmapi.CertificateStatus{NextPrivateKeySecretName: new("tax-next")},
		},
		staged: &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "tax-next", Labels: map[string]string{cmapi.IsNextPrivateKeySecretLabelKey: "true"},
			},
			Data: map[string][]byte{"tls.key": pkitest.KeyPEM(t, "next")},
		},
		request: &cmapi.CertificateRequest{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "tax-1",
				Annotations: map[string]string{
					cmapi.CertificateNameKey: "tax", cmapi.CertificateRequestPrivateKeyAnnotationKey: "tax-next",
				},
			},
			Spec: cmapi.CertificateRequestSpec{Request: csr(t, pkitest.Key("next")), IssuerRef: issuer},
		},
	}
	server.Create(t, i.certificate)
	controller := metav1.NewControllerRef(i.certificate, cmapi.SchemeGroupVersion.WithKind("Certificate"))
	i.staged.OwnerReferences = []metav1.OwnerReference{*controller}
	i.request.OwnerReferences = []metav1.OwnerReference{*controller}
	for _, change := range changes {
		change(i)
	}
	must.Do(t, server.Client.Status().Update(t.Context(), i.certificate))
	if i.staged != nil {
		server.Create(t, i.staged)
	}
	server.Create(t, i.request)
	return i
}

func TestOwnerIsProven(t *testing.T) {
	for claim, change := range map[string]func(*issuance){
		"by the key in preparation": func(*issuance) {},
		"whatever version of cert-manager's API": func(i *issuance) {
			i.request.OwnerReferences[0].APIVersion = "cert-manager.io/v2"
		},
		"without annotations":                        func(i *issuance) { i.request.Annotations = nil },
		"by a key of another format":                 func(i *issuance) { i.staged.Data["tls.key"] = pkcs1("next") },
		"by a request that somebody else has copied": func(i *issuance) { i.request.Name = "copy" },
	} {
		t.Run(claim, func(t *testing.T) {
			i := begin(t, change)
			behind := must.Get(owner.Of(t.Context(), server.Client, i.request))(t)
			if behind.Certificate == nil || behind.Certificate.UID != i.certificate.UID || behind.SecretName() != "tax-tls" ||
				behind.Problem != "" {
				t.Errorf("the owner is %v, with the problem %q", behind.Certificate, behind.Problem)
			}
		})
	}
}

func pkcs1(name string) []byte {
	der := x509.MarshalPKCS1PrivateKey(pkitest.Key(name))
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
}

// TestClaimsAreNoProof: whoever may create CertificateRequests can write anything into them.
func TestClaimsAreNoProof(t *testing.T) {
	foreignRequest, otherKind := csr(t, pkitest.Key("intruder")), ecKey(t)
	for claim, c := range map[string]struct {
		change func(*issuance)
		says   string
	}{
		"the right owner, by UID, and another key": {
			func(i *issuance) { i.request.Spec.Request = foreignRequest }, "another private key in preparation"},
		"another UID": {func(i *issuance) { i.request.OwnerReferences[0].UID = "0000" }, "is not the one that the request"},
		"a Certificate that does not exist": {
			func(i *issuance) { i.request.OwnerReferences[0].Name = "none" }, "does not exist any more"},
		"another issuer than the Certificate's": {
			func(i *issuance) { i.request.Spec.IssuerRef.Name = "other" }, "names another issuer"},
		"no key in preparation": {
			func(i *issuance) { i.certificate.Status.NextPrivateKeySecretName = nil }, "has no private key in preparation"},
		"an impossible name for it": {
			func(i *issuance) { i.certificate.Status.NextPrivateKeySecretName = new("../x") },
			"has no private key in preparation"},
		"the key in preparation is gone": {func(i *issuance) { i.staged = nil }, "Secret tax-next, which does not exist"},
		"a Secret that belongs to somebody else": {
			func(i *issuance) { i.staged.OwnerReferences[0].UID = "0000" }, "cert-manager has not made for it"},
		"a Secret that is none in preparation": {
			func(i *issuance) { i.staged.Labels = nil }, "cert-manager has not made for it"},
		"a Secret without a key": {func(i *issuance) { i.staged.Data = nil }, "another private key"},
		"a Secret with something else": {
			func(i *issuance) { i.staged.Data["tls.key"] = []byte("-----BEGIN X-----\n-----END X-----\n") },
			"another private key"},
		"a key of another kind": {func(i *issuance) { i.staged.Data["tls.key"] = otherKind }, "another private key"},
	} {
		t.Run(claim, func(t *testing.T) {
			i := begin(t, c.change)
			behind := must.Get(owner.Of(t.Context(), server.Client, i.request))(t)
			if behind.Certificate != nil || behind.SecretName() != "" || !strings.Contains(behind.Problem, c.says) ||
				!strings.Contains(behind.Problem, "nothing is sent for this request") {
				t.Errorf("the owner is %v, with the problem %q, want %q", behind.Certificate, behind.Problem, c.says)
			}
		})
	}
}

func ecKey(t *testing.T) []byte {
	t.Helper()
	key := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must.Get(x509.MarshalPKCS8PrivateKey(key))(t)})
}

// TestRequestsOfNobody: a request that belongs to no Certificate may be served, and has no key to renew with.
func TestRequestsOfNobody(t *testing.T) {
	for claim, change := range map[string]func(*issuance){
		"no owner":                       func(i *issuance) { i.request.OwnerReferences = nil },
		"an owner that does not control": func(i *issuance) { i.request.OwnerReferences[0].Controller = nil },
		"an owner of another kind":       func(i *issuance) { i.request.OwnerReferences[0].Kind = "Order" },
		"an owner of another group":      func(i *issuance) { i.request.OwnerReferences[0].APIVersion = "example.com/v1" },
		"an owner of no version":         func(i *issuance) { i.request.OwnerReferences[0].APIVersion = "a/b/c" },
		"an owner that cannot exist":     func(i *issuance) { i.request.OwnerReferences[0].Name = "../x" },
		"a request without a key":        func(i *issuance) { i.request.Spec.Request = []byte("?") },
	} {
		t.Run(claim, func(t *testing.T) {
			i := begin(t)
			delete(i.request.Annotations, cmapi.CertificateNameKey)
			change(i) // the API server would refuse some of it
			behind, err := owner.Of(t.Context(), server.Client, i.request)
			if err != nil || behind.Certificate != nil || behind.Problem != "" || behind.SecretName() != "" {
				t.Errorf("the owner is %v, with the problem %q, %v", behind.Certificate, behind.Problem, err)
			}
		})
	}
}

// TestARequestThatHasLostItsOwnerGetsNothing: a restore from a backup takes the owner away, and the annotation stays.
func TestARequestThatHasLostItsOwnerGetsNothing(t *testing.T) {
	i := begin(t)
	i.request.OwnerReferences = nil
	behind, err := owner.Of(t.Context(), server.Client, i.request)
	if err != nil || behind.Certificate != nil || !strings.Contains(behind.Problem, "does not control it any more") {
		t.Errorf("the owner is %v, with the problem %q, %v", behind.Certificate, behind.Problem, err)
	}
}

func TestOwnerThatIsBeingDeleted(t *testing.T) {
	i := begin(t)
	i.certificate.Finalizers = []string{"varmenne.dev/test"}
	must.Do(t, server.Client.Update(t.Context(), i.certificate))
	must.Do(t, server.Client.Delete(t.Context(), i.certificate))
	behind, err := owner.Of(t.Context(), server.Client, i.request)
	if err != nil || behind.Certificate != nil || !strings.Contains(behind.Problem, "is being deleted") {
		t.Errorf("the owner is %v, with the problem %q, %v", behind.Certificate, behind.Problem, err)
	}
}

func TestOwnerThatMayNotBeRead(t *testing.T) {
	i := begin(t)
	behind, err := owner.Of(t.Context(), server.As(t, "nobody"), i.request)
	if err == nil {
		t.Fatalf("the owner is %v, with the problem %q", behind.Certificate, behind.Problem)
	}
	want := "may not be read by the controller: allow its ServiceAccount to get Certificates in namespace "
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v; it should say %q, and be the API server's", err, want)
	}
}

func TestHowLongBeforeItsEndACertificateWantsToBeRenewed(t *testing.T) {
	begins := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	issued := cmapi.CertificateStatus{
		NotBefore: new(metav1.NewTime(begins)), NotAfter: new(metav1.NewTime(begins.Add(1000 * time.Hour))),
	}
	for claim, c := range map[string]struct {
		certificate  *cmapi.Certificate
		want         time.Duration
		byPercentage bool
	}{
		"nobody stands behind the request": {nil, 0, false},
		"it does not say":                  {&cmapi.Certificate{Status: issued}, 0, false},
		"it says so": {&cmapi.Certificate{Status: issued, Spec: cmapi.CertificateSpec{
			RenewBefore: &metav1.Duration{Duration: time.Hour},
		}}, time.Hour, false},
		"as a percentage": {&cmapi.Certificate{Status: issued, Spec: cmapi.CertificateSpec{
			RenewBeforePercentage: new(int32(25)),
		}}, 250 * time.Hour, true},
		"as a percentage of nothing yet": {&cmapi.Certificate{Spec: cmapi.CertificateSpec{
			RenewBeforePercentage: new(int32(25)),
		}}, 0, true},
	} {
		got, byPercentage := owner.Owner{Certificate: c.certificate}.RenewBefore()
		if got != c.want || byPercentage != c.byPercentage {
			t.Errorf("%s: %s, by percentage: %t", claim, got, byPercentage)
		}
	}
}

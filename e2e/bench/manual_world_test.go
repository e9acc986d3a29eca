package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// makeWaiting makes the issuer, and Certificates with a request that waits for it, as cert-manager leaves them.
func makeWaiting(b *testing.B, w *world.World) {
	b.Helper()
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: stamping}})
	create(b, w, &v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: stamping, Name: "dvv"},
		Spec: v1alpha1.ManualIssuerSpec{
			Preset: v1alpha1.ManualPresetDVVInterfaceCertificate,
			Trust:  v1alpha1.BundleSource{CABundle: certificate(b)},
		},
	})
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(writers)
	number := 0
	for key := range keys(b) {
		if number++; number > carried {
			break
		}
		name := fmt.Sprintf("interface-%04d", number)
		waiting := applicant{access: w.Client, key: key, subject: pkix.Name{
			CommonName: name + ".example.fi", Organization: []string{"Example Oy"},
		}}
		group.Go(func() error {
			certificate := &cmapi.Certificate{
				ObjectMeta: metav1.ObjectMeta{Namespace: stamping, Name: name},
				Spec: cmapi.CertificateSpec{
					SecretName: name, CommonName: name + ".example.fi", IssuerRef: cmmeta.IssuerReference{
						Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv",
					},
				},
			}
			if err := waiting.prepare(ctx, certificate); err != nil {
				return err
			}
			return waiting.apply(ctx, certificate)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// keys are different RSA keys of 2048 bits. To make each of its own primes would take a quarter of an hour.
func keys(b *testing.B) func(func(*rsa.PrivateKey) bool) {
	b.Helper()
	const exponent, bits = 65537, 1024
	e, one := big.NewInt(exponent), big.NewInt(1)
	var primes []*big.Int
	return func(yield func(*rsa.PrivateKey) bool) {
		for {
			p, err := rand.Prime(rand.Reader, bits)
			if err != nil {
				b.Fatal(err)
			}
			for _, q := range primes {
				order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
				key := &rsa.PrivateKey{
					PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
					D:         new(big.Int).ModInverse(e, order), Primes: []*big.Int{p, q},
				}
				key.Precompute()
				if !yield(key) {
					return
				}
			}
			primes = append(primes, p)
		}
	}
}

// applicant does what cert-manager does for a Certificate, with a key that is there already.
type applicant struct {
	access  client.Client
	key     *rsa.PrivateKey
	subject pkix.Name
}

// prepare makes a Certificate that is being issued, and its next private key.
func (a applicant) prepare(ctx context.Context, certificate *cmapi.Certificate) error {
	if err := a.access.Create(ctx, certificate); err != nil {
		return err
	}
	staged := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: certificate.Namespace, Name: certificate.Name + "-x7k2p",
			OwnerReferences: []metav1.OwnerReference{owns(certificate)},
			Labels:          map[string]string{cmapi.IsNextPrivateKeySecretLabelKey: "true"},
		},
		Data: map[string][]byte{corev1.TLSPrivateKeyKey: pem.EncodeToMemory(
			&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(a.key)})},
	}
	if err := a.access.Create(ctx, staged); err != nil {
		return err
	}
	certificate.Status.NextPrivateKeySecretName = &staged.Name
	certificate.Status.Conditions = []cmapi.CertificateCondition{{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "DoesNotExist",
	}}
	return a.access.Status().Update(ctx, certificate)
}

func owns(certificate *cmapi.Certificate) metav1.OwnerReference {
	return *metav1.NewControllerRef(certificate, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
}

// apply makes the request of a Certificate, and approves it. It belongs to nobody if the Certificate was not prepared.
func (a applicant) apply(ctx context.Context, certificate *cmapi.Certificate) error {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: a.subject}, a.key)
	if err != nil {
		return err
	}
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: certificate.Namespace, Name: certificate.Name + "-1", Annotations: map[string]string{},
		},
		Spec: cmapi.CertificateRequestSpec{
			Request:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			IssuerRef: certificate.Spec.IssuerRef, Usages: cmapi.DefaultKeyUsages(),
			Username: "system:serviceaccount:cert-manager:cert-manager", UID: "0a3e",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:cert-manager", "system:authenticated"},
		},
	}
	if certificate.UID != "" {
		request.OwnerReferences = []metav1.OwnerReference{owns(certificate)}
		request.Annotations = map[string]string{
			cmapi.CertificateNameKey: certificate.Name, cmapi.CertificateRequestRevisionAnnotationKey: "1",
			cmapi.CertificateRequestPrivateKeyAnnotationKey: *certificate.Status.NextPrivateKeySecretName,
		}
	}
	maps.Copy(request.Annotations, certificate.Annotations)
	if err := a.access.Create(ctx, request); err != nil {
		return err
	}
	now := metav1.Now()
	request.Status.Conditions = []cmapi.CertificateRequestCondition{{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, LastTransitionTime: &now,
		Reason: "cert-manager.io", Message: "Certificate request has been approved by cert-manager.io",
	}}
	return a.access.Status().Update(ctx, request)
}

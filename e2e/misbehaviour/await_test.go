package misbehaviour

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// patience bounds every wait. It is far above what a busy machine needs; most waits take seconds.
	patience = 4 * time.Minute
	// glance is how often one looks whether what is waited for has come.
	glance = 300 * time.Millisecond
)

// eventually waits until something holds. When it does not come about, the story fails with the whole picture.
func (s *story) eventually(what string, holds func(context.Context) (bool, error)) {
	s.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := wait.PollUntilContextCancel(ctx, glance, true, holds); err != nil {
		s.Fatalf("waited %s for %s: %v\n%s", time.Since(started).Round(time.Second), what, err, s.picture())
	}
}

// awaitTold waits until the user could read this, after what was found before.
func (s *story) awaitTold(what told) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s, saying %q", what.reason, what.says), func(context.Context) (bool, error) {
		until, found := s.has(s.namespace, what, s.heard)
		if found {
			s.heard = until
		}
		return found, nil
	})
}

// awaitIssuer waits until the story's issuer is Ready.
func (s *story) awaitIssuer() {
	s.Helper()
	s.eventually("the issuer to be Ready", func(ctx context.Context) (bool, error) {
		issuer := &v1alpha1.VeroIssuer{}
		err := s.Client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: issuerName}, issuer)
		ready := meta.FindStatusCondition(issuer.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == issuer.Generation, err
	})
}

// awaitCalls waits until the service has begun to handle so many calls of an operation.
func (s *story) awaitCalls(operation string, number int) {
	s.Helper()
	s.eventually(operation+" to reach the service", func(ctx context.Context) (bool, error) {
		requests, err := s.service.Requests(ctx, operation, "")
		return len(requests) >= number, err
	})
}

// awaitOrder waits until an order of the story is as it should be.
func (s *story) awaitOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	s.Helper()
	var found *v1alpha1.VeroOrder
	s.eventually("an order that is "+what, func(ctx context.Context) (bool, error) {
		list := &v1alpha1.VeroOrderList{}
		err := s.Client.List(ctx, list, client.InNamespace(s.namespace))
		index := slices.IndexFunc(list.Items, func(order v1alpha1.VeroOrder) bool { return reached(&order) })
		if index >= 0 {
			found = &list.Items[index]
		}
		return found != nil, err
	})
	return found
}

func inPhase(phase v1alpha1.OrderPhase) func(*v1alpha1.VeroOrder) bool {
	return func(order *v1alpha1.VeroOrder) bool { return order.Status.Phase == phase }
}

// awaitRequest waits for a CertificateRequest of the sample Certificate that has not the given UID.
func (s *story) awaitRequest(other *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	s.Helper()
	var found *cmapi.CertificateRequest
	s.eventually("a CertificateRequest", func(ctx context.Context) (bool, error) {
		list := &cmapi.CertificateRequestList{}
		err := s.Client.List(ctx, list, client.InNamespace(s.namespace))
		index := slices.IndexFunc(list.Items, func(request cmapi.CertificateRequest) bool {
			return other == nil || request.UID != other.UID
		})
		if index >= 0 {
			found = &list.Items[index]
		}
		return found != nil, err
	})
	return found
}

// awaitReady waits until a Certificate is Ready with a certificate other than the given one, and returns that after it
// has checked what is in the Secret.
func (s *story) awaitReady(name string, other *x509.Certificate) *x509.Certificate {
	s.Helper()
	var found *x509.Certificate
	s.eventually("Certificate "+name+" to be Ready", func(ctx context.Context) (bool, error) {
		certificate := &cmapi.Certificate{}
		key := client.ObjectKey{Namespace: s.namespace, Name: name}
		if err := s.Client.Get(ctx, key, certificate); err != nil {
			return false, err
		}
		ready := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionReady)
		if ready == nil || ready.Status != cmmeta.ConditionTrue || ready.ObservedGeneration != certificate.Generation {
			return false, nil
		}
		secret := &corev1.Secret{}
		key.Name = certificate.Spec.SecretName
		if err := s.Client.Get(ctx, key, secret); err != nil {
			return false, err
		}
		var err error
		found, err = s.examine(ctx, secret)
		return err == nil && !found.Equal(other), err
	})
	return found
}

// examine checks that a Secret holds a certificate of the customer's, its key, and a chain to the root of the story's
// service.
func (s *story) examine(ctx context.Context, secret *corev1.Secret) (*x509.Certificate, error) {
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, fmt.Errorf("tls.crt and tls.key do not fit together: %w", err)
	}
	bundles, err := s.service.Bundles(ctx)
	if err != nil {
		return nil, err
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for block, rest := pem.Decode([]byte(bundles["issuance.pem"])); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if certificate.CheckSignatureFrom(certificate) == nil {
			roots.AddCert(certificate)
		}
	}
	for _, raw := range pair.Certificate[1:] {
		certificate, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, err
		}
		intermediates.AddCert(certificate)
	}
	if pair.Leaf.Subject.CommonName != customerID {
		return nil, fmt.Errorf("the certificate is of %s, want %s", pair.Leaf.Subject, customerID)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return pair.Leaf, err
}

// asked lists what the service was asked.
func (s *story) asked() []admin.Request {
	s.Helper()
	requests, err := s.service.Requests(context.WithoutCancel(s.Context()), "", "")
	if err != nil {
		s.Fatal(err)
	}
	return requests
}

// accepted lists the SignNewCertificate that the service has accepted: what was spent.
func (s *story) accepted() []admin.Request {
	s.Helper()
	return slices.DeleteFunc(s.asked(), func(request admin.Request) bool {
		return !request.Accepted || request.Operation != signNew
	})
}

// picture is everything that a reader wants to see of a story that came to nothing.
func (s *story) picture() string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "namespace %s\n%s", s.namespace, s.read(s.namespace))
	orders := &v1alpha1.VeroOrderList{}
	if err := s.Client.List(context.WithoutCancel(s.Context()), orders, client.InNamespace(s.namespace)); err != nil {
		fmt.Fprintln(text, err)
	}
	for _, order := range orders.Items {
		fmt.Fprintf(text, "order %s: %+v\n", order.Name, order.Status)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Context()), callTimeout)
	defer cancel()
	asked, err := s.service.Requests(ctx, "", "")
	if err != nil {
		fmt.Fprintln(text, err)
	}
	for _, request := range asked {
		fmt.Fprintf(text, "the service was asked: %+v\n", request)
	}
	return text.String()
}

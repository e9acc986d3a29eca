package misbehavior

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// awaitTold waits until the user could read this, after what was found before.
func (s *story) awaitTold(what told) {
	s.Helper()
	s.Eventually(fmt.Sprintf("%s, saying %q", what.reason, what.says), func(context.Context) (bool, error) {
		until, found := s.has(s.Namespace, what, s.heard)
		if found {
			s.heard = until
		}
		return found, nil
	})
}

// awaitCalls waits until the service has begun to handle so many calls of an operation.
func (s *story) awaitCalls(operation string, number int) {
	s.Helper()
	s.Eventually(operation+" to reach the service", func(ctx context.Context) (bool, error) {
		requests, err := s.Service.Requests(ctx, operation, "")
		return len(requests) >= number, err
	})
}

func inPhase(phase v1alpha1.VeroOrderState) func(*v1alpha1.VeroOrder) bool {
	return func(order *v1alpha1.VeroOrder) bool { return order.Status.State == phase }
}

// awaitRequest waits for a CertificateRequest of the sample Certificate that has not the given UID.
func (s *story) awaitRequest(other *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	s.Helper()
	return s.AwaitRequest("there", func(request *cmapi.CertificateRequest) bool {
		return other == nil || request.UID != other.UID
	})
}

// awaitReady waits until a Certificate is Ready with a certificate other than the given one, and returns that after it
// has checked what is in the Secret.
func (s *story) awaitReady(name string, other *x509.Certificate) *x509.Certificate {
	s.Helper()
	var found *x509.Certificate
	s.Eventually("Certificate "+name+" to be Ready", func(ctx context.Context) (bool, error) {
		certificate := &cmapi.Certificate{}
		key := client.ObjectKey{Namespace: s.Namespace, Name: name}
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
	bundles, err := s.Service.Bundles(ctx)
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

package world

import (
	"context"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names of what Issuer, Trust and Certificate make.
const (
	issuerName = "vero"
	trustName  = "vero-trust"
)

// Trust is the ConfigMap with the service's bundles that its Issuer names.
func (s *Service) Trust(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	bundles, err := s.Bundles(ctx)
	if err != nil {
		return nil, err
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: trustName}, Data: bundles,
	}, nil
}

// Issuer is an issuer for the service, in the name of a customer.
func (s *Service) Issuer(namespace, customerID string) *v1alpha1.VeroIssuer {
	bundle := func(key string) v1alpha1.BundleSource {
		return v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: trustName, Key: key}}
	}
	tls := bundle("tls.pem")
	return &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: issuerName},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.VeroEnvironmentTest, URL: s.URL, CustomerID: customerID,
			Trust: v1alpha1.VeroTrust{TLS: &tls, Responses: bundle("responses.pem"), Issuance: bundle("issuance.pem")},
		},
	}
}

// Certificate is one of that issuer. The Secret with its transfer credentials has its name.
func Certificate(namespace, name, customerID string) *cmapi.Certificate {
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: map[string]string{v1alpha1.AnnotationTransferSecret: name},
		},
		Spec: cmapi.CertificateSpec{
			SecretName: name + "-tls", CommonName: customerID,
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048},
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindVeroIssuer, Name: issuerName,
			},
		},
	}
}

// TransferSecret is a Secret with transfer credentials.
func TransferSecret(namespace, name string, sent admin.Credential) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		StringData: map[string]string{
			v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
		},
	}
}

package soak

import (
	"crypto/tls"
	"fmt"
	"strings"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// checkNothingIsStuck: every order has ended, and every request that is left is answered.
func (b *reconciliation) checkNothingIsStuck() {
	b.Helper()
	if text := b.unfinished(); text != "" {
		b.Errorf("not everything has come to an end:\n%s", text)
	}
}

// unfinished lists what has not come to an end.
func (s *environment) unfinished() string {
	s.Helper()
	text := &strings.Builder{}
	certificates, requests := &cmapi.CertificateList{}, &cmapi.CertificateRequestList{}
	s.list(certificates)
	for i := range certificates.Items {
		if certificate := &certificates.Items[i]; revision(certificate) == 0 {
			fmt.Fprintf(text, "Certificate %s: %+v\n", certificate.Name, certificate.Status.Conditions)
		}
	}
	s.list(requests)
	for i := range requests.Items {
		request := &requests.Items[i]
		ready := cmutil.GetCertificateRequestCondition(request, cmapi.CertificateRequestConditionReady)
		if ready == nil || ready.Status != cmmeta.ConditionTrue {
			fmt.Fprintf(text, "CertificateRequest %s: %+v\n", request.Name, request.Status.Conditions)
		}
	}
	for _, order := range s.orders() {
		if order.Status.CompletionTime == nil {
			fmt.Fprintf(text, "VeroOrder %s of %s: %s, RetrievalId %q, %+v, last error %+v\n", order.Name,
				order.Annotations[cmapi.CertificateNameKey], order.Status.State, order.Status.RetrievalID,
				order.Status.Conditions, order.Status.LastError)
		}
	}
	const most = 20_000
	return text.String()[:min(text.Len(), most)]
}

// checkSecrets: every Certificate has a certificate of the service for its own key.
func (b *reconciliation) checkSecrets() {
	b.Helper()
	issued := testkit.Must(b.Service.Certificates(b.Context()))(b)
	known := map[string]bool{}
	for _, certificate := range issued {
		known[certificate.Serial] = true
	}
	list := &cmapi.CertificateList{}
	b.list(list)
	for i := range list.Items {
		secret := &corev1.Secret{}
		key := client.ObjectKey{Namespace: namespace, Name: list.Items[i].Spec.SecretName}
		if err := b.Client.Get(b.Context(), key, secret); err != nil {
			b.Error(err)
			continue
		}
		pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
		switch {
		case err != nil:
			b.Errorf("Secret %s: %v", key.Name, err)
		case !known[pair.Leaf.SerialNumber.Text(16)] || pair.Leaf.Subject.CommonName != customer:
			b.Errorf("Secret %s holds certificate %x of %q, which the service has not issued for %s",
				key.Name, pair.Leaf.SerialNumber, pair.Leaf.Subject.CommonName, customer)
		}
	}
}

package monitoring_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// leaveToAPerson asks for a certificate that a person has to fetch, and has two watched over that end soon.
func leaveToAPerson(ctx context.Context, a *scenarioRun) error {
	authority, err := selfSigned(365 * day)
	if err != nil {
		return err
	}
	if err := a.client.Create(ctx, &v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: "dvv"},
		Spec:       v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: authority}},
	}); err != nil {
		return err
	}
	for name, left := range map[string]time.Duration{"seal": 30 * day, "old-seal": 9 * day} {
		certificate, err := selfSigned(left)
		if err != nil {
			return err
		}
		watched := &v1alpha1.TrackedCertificate{ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: name}}
		watched.Spec.Source.Certificate = string(certificate)
		if err := a.client.Create(ctx, watched); err != nil {
			return err
		}
	}
	return a.certificate(ctx, "interface", func(c *cmapi.Certificate) {
		c.Spec.IssuerRef.Kind, c.Spec.IssuerRef.Name = v1alpha1.KindManualIssuer, "dvv"
	})
}

// selfSigned is a certificate that is valid for so long, in PEM.
func selfSigned(left time.Duration) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stamping"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

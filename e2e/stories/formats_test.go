package stories

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/pavlo-v-chernykh/keystore-go/v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// storePassword protects the keystores.
const storePassword = "a password of the keystores"

// formats read what cert-manager adds to a Secret: a private key, and the chain, leaf first, where it is there, too.
var formats = map[string]func(content []byte) (crypto.PrivateKey, []*x509.Certificate, error){
	cmapi.JKSSecretKey:                          readJKS,
	cmapi.PKCS12SecretKey:                       readPKCS12,
	cmapi.CertificateOutputFormatCombinedPEMKey: readCombined,
	cmapi.CertificateOutputFormatDERKey:         readDER,
}

// truststores read the roots in the stores of a Secret that are for the other side.
var truststores = map[string]func(content []byte) ([]*x509.Certificate, error){
	cmapi.JKSTruststoreKey: readJKSTruststore,
	cmapi.PKCS12TruststoreKey: func(content []byte) ([]*x509.Certificate, error) {
		return pkcs12.DecodeTrustStore(content, storePassword)
	},
}

func TestKeystoresAndOutputFormatsAreRenewedWithTheCertificate(t *testing.T) {
	t.Parallel()
	s := quick.begin(t)
	certificate := quick.certificate(s)
	s.Create(inEveryFormat(certificate))
	quick.order(s, certificate)
	first := s.awaitFirst()
	s.agreeWithThePair(certificate.Spec.SecretName)
	s.awaitRenewals(first, 1)
	s.agreeWithThePair(certificate.Spec.SecretName)
}

// inEveryFormat lets a Certificate have every keystore and format, and returns the Secret with their password.
func inEveryFormat(certificate *cmapi.Certificate) *corev1.Secret {
	password := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: certificate.Namespace, Name: "keystore-password"},
		StringData: map[string]string{"password": storePassword},
	}
	reference := cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: password.Name},
		Key: "password"}
	certificate.Spec.Keystores = &cmapi.CertificateKeystores{
		JKS:    &cmapi.JKSKeystore{Create: true, PasswordSecretRef: reference},
		PKCS12: &cmapi.PKCS12Keystore{Create: true, PasswordSecretRef: reference, Profile: cmapi.Modern2023PKCS12Profile},
	}
	certificate.Spec.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{
		{Type: cmapi.CertificateOutputFormatCombinedPEM}, {Type: cmapi.CertificateOutputFormatDER},
	}
	return password
}

// agreeWithThePair fails the test case unless every format in the Secret holds the key of tls.key, and where it holds
// certificates those of tls.crt.
func (s *testCase) agreeWithThePair(secretName string) {
	s.Helper()
	secret := s.readSecret(secretName)
	pair := must.Get(tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]))(s)
	chain := testkit.ParseCertificates(secret.Data[corev1.TLSCertKey])
	roots := testkit.ParseCertificates(secret.Data["ca.crt"])
	for name, read := range formats {
		key, certificates, err := read(secret.Data[name])
		if err != nil {
			s.Errorf("%s: %v", name, err)
			continue
		}
		if private, isRSA := key.(*rsa.PrivateKey); !isRSA || !private.Equal(pair.PrivateKey) {
			s.Errorf("%s holds another key than tls.key", name)
		}
		if certificates != nil && !slices.EqualFunc(certificates, chain, (*x509.Certificate).Equal) {
			s.Errorf("%s holds other certificates than tls.crt", name)
		}
	}
	for name, read := range truststores {
		found, err := read(secret.Data[name])
		if err != nil || !slices.EqualFunc(found, roots, (*x509.Certificate).Equal) {
			s.Errorf("%s does not hold ca.crt: %v", name, err)
		}
	}
}

func loadJKS(content []byte) (keystore.KeyStore, error) {
	store := keystore.New()
	return store, store.Load(bytes.NewReader(content), []byte(storePassword))
}

func readJKS(content []byte) (crypto.PrivateKey, []*x509.Certificate, error) {
	store, err := loadJKS(content)
	if err != nil {
		return nil, nil, err
	}
	entry, err := store.GetPrivateKeyEntry("certificate", []byte(storePassword))
	if err != nil {
		return nil, nil, err
	}
	var chain []byte
	for _, found := range entry.CertificateChain {
		chain = append(chain, found.Content...)
	}
	key, keyErr := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
	certificates, err := x509.ParseCertificates(chain)
	return key, certificates, errors.Join(keyErr, err)
}

func readJKSTruststore(content []byte) ([]*x509.Certificate, error) {
	store, err := loadJKS(content)
	if err != nil {
		return nil, err
	}
	entry, err := store.GetTrustedCertificateEntry("ca")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificates(entry.Certificate.Content)
}

// readPKCS12 leaves the root out, which the store holds beside the chain.
func readPKCS12(content []byte) (crypto.PrivateKey, []*x509.Certificate, error) {
	key, leaf, others, err := pkcs12.DecodeChain(content, storePassword)
	if err != nil {
		return nil, nil, err
	}
	isRoot := func(certificate *x509.Certificate) bool { return certificate.CheckSignatureFrom(certificate) == nil }
	return key, append([]*x509.Certificate{leaf}, slices.DeleteFunc(others, isRoot)...), nil
}

func readCombined(content []byte) (crypto.PrivateKey, []*x509.Certificate, error) {
	pair, err := tls.X509KeyPair(content, content)
	return pair.PrivateKey, testkit.ParseCertificates(content), err
}

// readDER reads a private key alone.
func readDER(content []byte) (crypto.PrivateKey, []*x509.Certificate, error) {
	key, err := x509.ParsePKCS1PrivateKey(content)
	return key, nil, err
}

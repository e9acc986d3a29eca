// Package clusterpki makes what a control plane identifies itself and its users with: a certificate authority, the
// certificates it signs, keys, and kubeconfigs. Package cluster and package node start their API servers with it.
package clusterpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// Lifetime of certificates: longer than any cluster runs.
const Lifetime = 365 * 24 * time.Hour

// Files that Write writes.
const (
	AuthorityFile         = "ca.crt"
	ServingCertFile       = "apiserver.crt"
	ServingKeyFile        = "apiserver.key"
	ServiceAccountKeyFile = "service-account.key"
)

// KeyPair is a certificate with its key, PEM.
type KeyPair struct {
	Certificate, Key []byte
}

// Authority is the certificate authority of one cluster. Its key is in memory only, unless somebody writes that of
// KeyPair.
type Authority struct {
	pair        KeyPair
	certificate *x509.Certificate
	key         crypto.Signer
}

// Write creates a certificate authority and writes what the API server reads into the directory: the authority's
// certificate, its own certificate and key, and the key that signs ServiceAccount tokens. The API server is reached
// under localhost, kubernetes.default.svc, 127.0.0.1 and what is named besides.
func Write(directory string, names []string, addresses ...net.IP) (*Authority, error) {
	issuer, err := newAuthority()
	if err != nil {
		return nil, err
	}
	serving, err := issuer.Issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append([]string{"localhost", "kubernetes.default.svc"}, names...),
		IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1)}, addresses...),
	})
	if err != nil {
		return nil, err
	}
	_, tokenKey, err := newKey()
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		AuthorityFile:         issuer.pair.Certificate,
		ServingCertFile:       serving.Certificate,
		ServingKeyFile:        serving.Key,
		ServiceAccountKeyFile: tokenKey,
	} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing certificates: %w", err)
		}
	}
	return issuer, nil
}

// newAuthority creates a self-signed certificate authority.
func newAuthority() (*Authority, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	certificate, err := cert.NewSelfSignedCACert(
		cert.Config{CommonName: "varmenne-e2e", NotBefore: time.Now().Add(-time.Hour)}, key)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	return &Authority{
		pair: KeyPair{Certificate: certificatePEM(certificate.Raw), Key: keyPEM}, certificate: certificate, key: key,
	}, nil
}

// KeyPair returns the authority's certificate and key, for a controller manager that signs with it.
func (a *Authority) KeyPair() KeyPair { return a.pair }

// Issue creates a key and a certificate for it. The template says who and what for.
func (a *Authority) Issue(template *x509.Certificate) (KeyPair, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return KeyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return KeyPair{}, fmt.Errorf("drawing a serial number: %w", err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(Lifetime)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("signing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return KeyPair{Certificate: certificatePEM(der), Key: keyPEM}, nil
}

// IssueAdmin issues a client certificate of somebody who may do everything.
func (a *Authority) IssueAdmin(name string) (KeyPair, error) {
	return a.Issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// WriteKubeconfig writes how a user reaches the API server at the URL. Everything in it has the name.
func (a *Authority) WriteKubeconfig(path, name, url string, user *api.AuthInfo) error {
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: url, CertificateAuthorityData: a.pair.Certificate}
	config.AuthInfos[name] = user
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

// newKey creates a P-256 key, which takes no time worth mentioning, and its PEM.
func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generating a key: %w", err)
	}
	encoded, err := keyutil.MarshalPrivateKeyToPEM(key)
	return key, encoded, err
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

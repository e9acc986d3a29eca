package secrets

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// What a Secret holds that cannot be used. None of it shows a value, or repeats what a parser says of a key.
const (
	noCertificate = "holds in " + corev1.TLSCertKey + " no certificate in PEM that can be read"
	noKey         = "holds in " + corev1.TLSPrivateKeyKey + " no private key in PEM that can be read"
	encryptedKey  = "holds in " + corev1.TLSPrivateKeyKey + " a private key with a passphrase: take it away with " +
		"`openssl pkey -in OLD -out NEW`, and put the new file there"
	foreignKey = "holds a certificate and a key that do not fit together: none of the certificates is for that key"
)

// pair finds the certificate of a key among several, in whatever order they are, and of several for that key the one
// that expires last; or it says what is wrong, in words that follow the name of the Secret.
func pair(certificates, key []byte) (leaf *x509.Certificate, signer crypto.Signer, problem string) {
	if isEncrypted(key) {
		return nil, nil, encryptedKey
	}
	signer = pki.PrivateKey(key)
	read := 0
	const most = 100
	for block, rest := pem.Decode(certificates); block != nil && read < most; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		read++
		if pki.IsKeyOf(signer, certificate.PublicKey) && (leaf == nil || certificate.NotAfter.After(leaf.NotAfter)) {
			leaf = certificate
		}
	}
	switch {
	case leaf != nil:
		return leaf, signer, ""
	case read == 0:
		return nil, nil, noCertificate
	case signer == nil:
		return nil, nil, noKey
	default:
		return nil, nil, foreignKey
	}
}

// leads reports whether the first of several certificates can be read and is for the key.
func leads(certificates []byte, signer crypto.Signer) bool {
	block, _ := pem.Decode(certificates)
	if block == nil {
		return false
	}
	first, err := x509.ParseCertificate(block.Bytes)
	return err == nil && pki.IsKeyOf(signer, first.PublicKey)
}

// isEncrypted reports whether a key has a passphrase, in PKCS#8 or in the way of old versions of OpenSSL.
func isEncrypted(key []byte) bool {
	block, _ := pem.Decode(key)
	return block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" ||
		strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"))
}

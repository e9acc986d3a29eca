package secrets

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What a Secret holds that cannot be used. None of it shows a value, or repeats what a parser says of a key.
const (
	noCertificate = "holds in " + corev1.TLSCertKey + " no certificate in PEM that can be read"
	noKey         = "holds in " + corev1.TLSPrivateKeyKey + " no private key in PEM that can be read"
	encryptedKey  = "holds in " + corev1.TLSPrivateKeyKey + " a private key with a passphrase: take it away with " +
		"`openssl pkey -in OLD -out NEW`, and put the new file there"
	foreignKey = "holds a certificate and a key that do not fit together: none of the certificates is for that key"
)

// maximumKeyBytes bounds a private key in DER: RSA of 16,384 bits has 9.3 kB. The time to read one grows with the third
// power of its size, and everybody who may write a Secret could occupy the controller with a larger one.
const maximumKeyBytes = 10 << 10

// pair finds the certificate of a key among several, in whatever order they are, and of several for that key the one
// that expires last; or it says what is wrong, in words that follow the name of the Secret.
func pair(certificates, key []byte) (leaf *x509.Certificate, signer crypto.Signer, problem string) {
	if isEncrypted(key) {
		return nil, nil, encryptedKey
	}
	signer = signerOf(key)
	read := 0
	const most = 100
	for block, rest := pem.Decode(certificates); block != nil && read < most; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		read++
		if signs(signer, certificate.PublicKey) && (leaf == nil || certificate.NotAfter.After(leaf.NotAfter)) {
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

// signs reports whether a private key, nil for none, is that of a public key.
func signs(signer crypto.Signer, key crypto.PublicKey) bool {
	if signer == nil {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(key)
}

// signerOf is the first private key in PEM, nil if it cannot be read: in PKCS#8, which cert-manager writes, or in
// PKCS#1 or SEC 1, as it may have been put there by hand.
func signerOf(text []byte) crypto.Signer {
	block, rest := pem.Decode(text)
	for block != nil && !strings.HasSuffix(block.Type, "PRIVATE KEY") { // such as EC PARAMETERS
		block, rest = pem.Decode(rest)
	}
	if block == nil || len(block.Bytes) > maximumKeyBytes {
		return nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		signer, _ := key.(crypto.Signer)
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key
	}
	return nil
}

// isEncrypted reports whether a key has a passphrase, in PKCS#8 or in the way of old versions of OpenSSL.
func isEncrypted(key []byte) bool {
	block, _ := pem.Decode(key)
	return block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" ||
		strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"))
}

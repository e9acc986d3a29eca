package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// maximumKeyBytes bounds a private key in DER: RSA of 16,384 bits has 9.3 kB. The time to read one grows with the third
// power of its size, and everybody who may write a Secret could occupy the controller with a larger one.
const maximumKeyBytes = 10 << 10

// IsKeyOf reports whether a private key, nil for none, is that of a public key.
func IsKeyOf(signer crypto.Signer, key crypto.PublicKey) bool {
	if signer == nil {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(key)
}

// PrivateKey is the first private key in PEM, nil if it cannot be read: in PKCS#8, which cert-manager writes, or in
// PKCS#1 or SEC 1, as it may have been put there by hand.
func PrivateKey(text []byte) crypto.Signer {
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

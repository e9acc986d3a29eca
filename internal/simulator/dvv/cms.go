package dvv

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// Object identifiers of CMS (RFC 5652) and its algorithms.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEnvelopedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidAES256CBC     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidOAEP          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7}
	oidMGF1          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
)

// contentInfo is what every file of CMS and PKCS#12 begins with.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue
}

// encryptedContent is EncryptedContentInfo; its content is [0] IMPLICIT OCTET STRING.
type encryptedContent struct {
	Type      asn1.ObjectIdentifier
	Algorithm pkix.AlgorithmIdentifier
	Content   asn1.RawValue
}

// tagged puts elements under a context-specific tag 0.
func tagged(elements ...[]byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: bytes.Join(elements, nil)}
}

// wrap encodes a value as the content of a contentInfo.
func wrap(kind asn1.ObjectIdentifier, value any) ([]byte, error) {
	content, err := asn1.Marshal(value)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{kind, tagged(content)})
}

func sha256Algorithm() pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}
}

// pkcs7 is SignedData without a signature, which carries certificates only, as a .p7b of Windows does.
func pkcs7(c contents) ([]byte, error) {
	return wrap(oidSignedData, struct {
		Version          int
		DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
		Content          struct{ Type asn1.ObjectIdentifier }
		Certificates     asn1.RawValue
		SignerInfos      []asn1.RawValue `asn1:"set"`
	}{
		Version: 1, Content: struct{ Type asn1.ObjectIdentifier }{oidData},
		Certificates: tagged(c.issuing.Raw, c.root.Raw, c.leaf.Raw),
	})
}

func pkcs7PEM(c contents) ([]byte, error) {
	der, err := pkcs7(c)
	return block("PKCS7", der), err
}

// recipient is KeyTransRecipientInfo: for whom the content key is encrypted.
type recipient struct {
	Version   int
	Recipient struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// encrypted is EnvelopedData with the PEM in it, for the key of the request.
func encrypted(c contents) ([]byte, error) {
	contentKey := make([]byte, 32)
	if _, err := rand.Read(contentKey); err != nil {
		return nil, err
	}
	content, err := encrypt(contentKey, oidData, encode(c.leaf))
	if err != nil {
		return nil, err
	}
	to := recipient{}
	to.Recipient.Issuer, to.Recipient.Serial = asn1.RawValue{FullBytes: c.leaf.RawIssuer}, c.leaf.SerialNumber
	if to.Algorithm, err = oaep(); err != nil {
		return nil, err
	}
	if to.Key, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, c.key, contentKey, nil); err != nil {
		return nil, err
	}
	return wrap(oidEnvelopedData, struct {
		Version    int
		Recipients []recipient `asn1:"set"`
		Content    encryptedContent
	}{0, []recipient{to}, content})
}

// oaep is RSAES-OAEP with SHA-256 (RFC 4055, 4.1).
func oaep() (pkix.AlgorithmIdentifier, error) {
	hash, err := asn1.Marshal(sha256Algorithm())
	if err != nil {
		return pkix.AlgorithmIdentifier{}, err
	}
	parameters, err := asn1.Marshal(struct {
		Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
		MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
	}{
		sha256Algorithm(), pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: hash}},
	})
	return pkix.AlgorithmIdentifier{Algorithm: oidOAEP, Parameters: asn1.RawValue{FullBytes: parameters}}, err
}

// encrypt encrypts with AES-256-CBC, padded as PKCS#7 wants it; the algorithm of the result is the cipher.
func encrypt(key []byte, kind asn1.ObjectIdentifier, plain []byte) (encryptedContent, error) {
	aesCipher, err := aes.NewCipher(key)
	if err != nil {
		return encryptedContent{}, err
	}
	iv := make([]byte, aes.BlockSize)
	if _, err := rand.Read(iv); err != nil {
		return encryptedContent{}, err
	}
	encodedIV, err := asn1.Marshal(iv)
	if err != nil {
		return encryptedContent{}, err
	}
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(aesCipher, iv).CryptBlocks(padded, padded)
	return encryptedContent{
		Type: kind,
		Algorithm: pkix.AlgorithmIdentifier{
			Algorithm: oidAES256CBC, Parameters: asn1.RawValue{FullBytes: encodedIV},
		},
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: padded},
	}, nil
}

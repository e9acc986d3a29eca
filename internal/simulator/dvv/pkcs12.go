package dvv

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"unicode/utf16"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Object identifiers of PKCS#12 (RFC 7292) and of encryption with a password (RFC 8018).
var (
	oidCertificateBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509Certificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidPBES2           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACWithSHA256  = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
)

// passwordIterations is what openssl takes: the password is public, there is nothing to be gained from more.
const passwordIterations = 2048

// pkcs12 is a PFX with the chain and without a key, encrypted and sealed with admin.PKCS12Password.
func pkcs12(c contents) ([]byte, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	bags, err := certificateBags(c.leaf, c.issuing, c.root)
	if err != nil {
		return nil, err
	}
	safe, err := encryptedSafe(bags, salt)
	if err != nil {
		return nil, err
	}
	content, err := asn1.Marshal([]asn1.RawValue{{FullBytes: safe}})
	if err != nil {
		return nil, err
	}
	octets, err := asn1.Marshal(content)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(pfx{3, contentInfo{oidData, tagged(octets)}, sealed(content, salt)})
}

// pfx is the file as a whole.
type pfx struct {
	Version int
	Safes   contentInfo
	Seal    seal
}

// seal is MacData.
type seal struct {
	Digest struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Salt       []byte
	Iterations int
}

// certificateBags is SafeContents with a bag for each certificate.
func certificateBags(certificates ...*x509.Certificate) ([]byte, error) {
	bags := make([]contentInfo, 0, len(certificates))
	for _, certificate := range certificates {
		octets, err := asn1.Marshal(certificate.Raw)
		if err != nil {
			return nil, err
		}
		bag, err := asn1.Marshal(contentInfo{oidX509Certificate, tagged(octets)})
		if err != nil {
			return nil, err
		}
		bags = append(bags, contentInfo{oidCertificateBag, tagged(bag)})
	}
	return asn1.Marshal(bags)
}

// encryptedSafe is EncryptedData: PBES2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC.
func encryptedSafe(bags, salt []byte) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, admin.PKCS12Password, salt, passwordIterations, 32)
	if err != nil {
		return nil, err
	}
	content, err := encrypt(key, oidData, bags)
	if err != nil {
		return nil, err
	}
	derivation, err := asn1.Marshal(struct {
		Salt       []byte
		Iterations int
		Function   pkix.AlgorithmIdentifier
	}{
		salt, passwordIterations, pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue},
	})
	if err != nil {
		return nil, err
	}
	parameters, err := asn1.Marshal(struct{ Derivation, Encryption pkix.AlgorithmIdentifier }{
		pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: asn1.RawValue{FullBytes: derivation}},
		content.Algorithm,
	})
	if err != nil {
		return nil, err
	}
	content.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: asn1.RawValue{FullBytes: parameters}}
	return wrap(oidEncryptedData, struct {
		Version int
		Content encryptedContent
	}{0, content})
}

// sealed makes the MAC over the safes.
func sealed(content, salt []byte) seal {
	code := hmac.New(sha256.New, sealingKey(salt))
	_, _ = code.Write(content)
	made := seal{Salt: salt, Iterations: passwordIterations}
	made.Digest.Algorithm, made.Digest.Digest = sha256Algorithm(), code.Sum(nil)
	return made
}

// sealingKey is the key derivation of PKCS#12 (RFC 7292, B.2) with SHA-256 and the purpose 3, a MAC. A key as long as
// the digest takes the first block only.
func sealingKey(salt []byte) []byte {
	var password []byte
	for _, unit := range append(utf16.Encode([]rune(admin.PKCS12Password)), 0) {
		password = binary.BigEndian.AppendUint16(password, unit)
	}
	input := bytes.Repeat([]byte{3}, sha256.BlockSize)
	input = append(append(input, filled(salt)...), filled(password)...)
	key := sha256.Sum256(input)
	for range passwordIterations - 1 {
		key = sha256.Sum256(key[:])
	}
	return key[:]
}

// filled repeats bytes until they fill blocks of the digest.
func filled(part []byte) []byte {
	size := (len(part) + sha256.BlockSize - 1) / sha256.BlockSize * sha256.BlockSize
	return bytes.Repeat(part, size/len(part)+1)[:size]
}

package delivery_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// signedData is how PKCS#7 begins in BER, up to its content.
const signedData = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80"

// hostile are inputs of 64 KiB that are made to take long.
func hostile() map[string][]byte {
	fill := func(beginning, text string) []byte {
		return append([]byte(beginning), bytes.Repeat([]byte(text), (delivery.MaximumBytes-len(beginning))/len(text))...)
	}
	one := "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	return map[string][]byte{
		"begins":                   fill("", "-----BEGIN CERTIFICATE-----\n"),
		"begins with a new name":   fill("", "-----BEGIN "),
		"empty blocks":             fill("", "-----BEGIN X-----\n-----END X-----\n"),
		"broken blocks":            fill("", one),
		"private words":            fill("", "- BEGIN PRIVATE "),
		"signed messages":          fill("", "-----BEGIN PGP SIGNED MESSAGE-----"),
		"dashes":                   fill("", "-"),
		"tags that do not end":     fill("", "<a "),
		"entities":                 fill("", "&lt;"),
		"ampersands":               fill("", "&"),
		"soft line breaks":         fill("=3D", "A=\r\n"),
		"base64":                   fill("", "MIIB"),
		"lines of base64":          fill("", strings.Repeat("A", 60)+"\n"),
		"paragraphs of base64":     fill("", "MII"+strings.Repeat("A", 98)+"\n\n"),
		"white space":              fill("", " \t\n"),
		"tiny objects":             fill("\x30\x80", "\x30\x07\x30\x00\x30\x00\x03\x01\x00"),
		"empty objects in DER":     fill("\x30\x81\x80"+strings.Repeat("\x05\x00", 64), "\x30\x00"),
		"PKCS#7 that nests":        fill(signedData, "\x30\x80"),
		"PKCS#7 without an end":    fill(signedData, "\x05\x01\x01"),
		"PKCS#7 of empty parts":    fill(signedData, "\x30\x80\x00\x00"),
		"PKCS#7 that nests in DER": nested(),
	}
}

// nested is PKCS#7 in DER that is as deep as 64 KiB allow.
func nested() []byte {
	content := []byte{}
	wrap := func(tag byte) {
		content = append([]byte{tag, 0x82, byte(len(content) >> 8), byte(len(content))}, content...)
	}
	for len(content) < delivery.MaximumBytes-100 {
		wrap(0x30)
	}
	wrap(0xA0)
	content = append([]byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), content...)
	wrap(0x30)
	return content
}

func TestHostileInputIsRefused(t *testing.T) {
	for claim, data := range hostile() {
		if certificates, err := delivery.Read(data); err == nil {
			t.Errorf("%s: %d certificates", claim, len(certificates))
		}
	}
}

// BenchmarkReadHostile shows that no 64 KiB take longer than others by more than a factor.
func BenchmarkReadHostile(b *testing.B) {
	for claim, data := range hostile() {
		for name, part := range map[string][]byte{"64KiB": data, "16KiB": data[:len(data)/4]} {
			b.Run(claim+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := delivery.Read(part); err == nil {
						b.Fatal("it was read")
					}
				}
			})
		}
	}
}

func TestNothingOfAPrivateKeyIsRepeated(t *testing.T) {
	text := pkitest.KeyPEM(t, "leaf")
	block, _ := pem.Decode(text)
	whole := base64.StdEncoding.EncodeToString(block.Bytes)
	for claim, data := range map[string][]byte{
		"PEM":                text,
		"PEM that is cut":    text[:len(text)/2],
		"after a broken one": append([]byte("-----BEGIN CERTIFICATE-----\nx\n"), text...),
		"base64":             []byte(whole),
		"beside PEM": append(file(t, "match/leaf.pem"),
			strings.TrimPrefix(strings.ReplaceAll(string(text), "PRIVATE KEY", ""), "-----BEGIN -----")...),
		"DER":               block.Bytes,
		"Ed25519 in base64": []byte("MC4CAQAwBQYDK2VwBCIEI" + strings.Repeat("A", 43)),
	} {
		_, err := delivery.Read(data)
		mustBeRefused(t, err, delivery.PrivateKey, "treat that key as leaked")
		for start := 0; err != nil && start+8 <= len(whole); start += 4 {
			if strings.Contains(err.Error(), whole[start:start+8]) {
				t.Fatalf("%s: the key is in %v", claim, err)
			}
		}
	}
}

// publicKey stands for a private key where only the public one is asked for.
type publicKey struct {
	crypto.Signer

	*rsa.PublicKey
}

func (k publicKey) Public() crypto.PublicKey { return k.PublicKey }

func TestACertificateThatCostsTooMuchLaterIsRefused(t *testing.T) {
	root := pkitest.Root(t, "Root")
	withKey := func(bits int) []byte {
		modulus := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		return root.Issue(t, publicKey{PublicKey: &rsa.PublicKey{N: modulus, E: 3}}, "long").Raw
	}
	if _, err := delivery.Read(withKey(pki.MaximumKeyBits)); err != nil {
		t.Errorf("the longest key that is accepted: %v", err)
	}
	_, err := delivery.Read(withKey(pki.MaximumKeyBits + 1))
	mustBeRefused(t, err, delivery.LongKey, "8193 bits")

	// What cert-manager does not read (internal/pem of cert-manager), it orders again.
	key := pkitest.Key("leaf")
	leaf := root.Issue(t, key, "leaf", func(template *x509.Certificate) {
		template.DNSNames = slices.Repeat([]string{strings.Repeat("a", 60) + ".fi"}, 500)
	})
	requested := &x509.CertificateRequest{PublicKey: key.Public(), DNSNames: leaf.DNSNames}
	requested.Subject.CommonName = "leaf"
	wanted := delivery.Order{Request: requested, Trust: trust(t, root.Certificate)}
	_, err = delivery.Match([]*x509.Certificate{leaf}, wanted, pkitest.Now)
	mustBeRefused(t, err, delivery.TooLarge, "cert-manager reads 36500")
}

func mustBeRefused(t *testing.T, err error, reason delivery.Reason, tells string) {
	t.Helper()
	var refusal *delivery.RefusalError
	if !errors.As(err, &refusal) || refusal.Reason != reason || !strings.Contains(refusal.Message, tells) {
		t.Errorf("got %v, want %s with %q", err, reason, tells)
	}
}

func FuzzRead(f *testing.F) {
	for _, directory := range []string{"read", "refused"} {
		for _, data := range files(f, directory) {
			f.Add(data)
		}
	}
	for _, data := range hostile() {
		f.Add(data[:1000])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		certificates, err := delivery.Read(data)
		if err != nil {
			var refusal *delivery.RefusalError
			if !errors.As(err, &refusal) || certificates != nil || len(refusal.Message) > 1000 {
				t.Fatalf("%d certificates, %v", len(certificates), err)
			}
			return
		}
		if len(certificates) == 0 || len(certificates) > delivery.MaximumCertificates {
			t.Fatalf("%d certificates", len(certificates))
		}
		again, err := delivery.Read(pkitest.PEM(certificates...))
		if err != nil || len(again) != len(certificates) {
			if len(pkitest.PEM(certificates...)) <= delivery.MaximumBytes {
				t.Fatalf("as PEM there are %d of %d, %v", len(again), len(certificates), err)
			}
			return
		}
		for index, certificate := range certificates {
			if !again[index].Equal(certificate) || pki.KeyBits(certificate) > pki.MaximumKeyBits {
				t.Errorf("certificate %d of the PEM is another one, or has a long key", index)
			}
		}
	})
}

package delivery_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// files are those of a directory of testdata, by name.
func files(t testing.TB, directory string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", directory))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	contents := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		contents[entry.Name()] = file(t, filepath.Join(directory, entry.Name()))
	}
	return contents
}

func certificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	parsed, err := pki.ParseCertificate(file(t, "match/"+name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestEveryFormInWhichCertificatesComeIsRead(t *testing.T) {
	leaf, issuing, root := certificate(t, "leaf"), certificate(t, "issuing"), certificate(t, "root")
	several := map[string][]*x509.Certificate{
		"leaf-last.pem": {root, issuing, leaf}, "bag-attributes.pem": {leaf, root, issuing},
		"several.der": {issuing, leaf, root}, "pkcs7.p7b": {root, issuing, leaf}, "pkcs7-der.p7b": {root, issuing, leaf},
		"certificates.p7b": {root, issuing, leaf}, "pkcs7-base64.p7b": {root, issuing, leaf},
		"pkcs7-ber.p7m": {leaf, root, issuing}, "cms.pem": {leaf, issuing},
	}
	for name, data := range files(t, "read") {
		want := several[name]
		if want == nil {
			want = []*x509.Certificate{leaf}
		}
		got, err := delivery.Read(data)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %d certificates, %v", name, len(got), err)
			continue
		}
		for _, one := range want {
			if !contains(got, one) {
				t.Errorf("%s: %s is missing", name, one.Subject)
			}
		}
	}
}

func TestPEMIsFoundInAMail(t *testing.T) {
	leaf := certificate(t, "leaf")
	text := string(file(t, "match/leaf.pem"))
	signed := "-----BEGIN PGP SIGNED MESSAGE-----\n\n" + strings.ReplaceAll(text, "-----B", "- -----B")
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	for claim, data := range map[string]string{
		"behind what looks like a tag":  "<vptuotanto@dvv.fi kirjoitti:\n" + text + "\n> kiitos",
		"in base64":                     "Hei,\n\n" + encoded[:76] + "\n" + encoded[76:] + "\n\nTerveisin\n",
		"beside a picture in base64":    "Hei,\n" + text + strings.Repeat("iVBORw0KGgoAAAANSUhEUg", 9) + "\n",
		"that is signed with PGP":       signed,
		"between characters of Latin-1": "T\xE4ss\xE4:\n" + text,
	} {
		if got, err := delivery.Read([]byte(data)); err != nil || len(got) != 1 || !got[0].Equal(leaf) {
			t.Errorf("%s: %d certificates, %v", claim, len(got), err)
		}
	}
}

func contains(certificates []*x509.Certificate, one *x509.Certificate) bool {
	for _, other := range certificates {
		if other.Equal(one) {
			return true
		}
	}
	return false
}

func TestWhatIsNoCertificateIsRefusedForItsReason(t *testing.T) {
	cases := files(t, "refused")
	cases["TooLarge"] = bytes.Repeat([]byte("A"), delivery.MaximumBytes+1)
	for name, data := range cases {
		want, _, _ := strings.Cut(strings.TrimSuffix(name, filepath.Ext(name)), "-")
		certificates, err := delivery.Read(data)
		var refusal *delivery.RefusalError
		if !errors.As(err, &refusal) || string(refusal.Reason) != want || certificates != nil {
			t.Errorf("%s: %d certificates, %v", name, len(certificates), err)
			continue
		}
		if !strings.Contains(refusal.Message, "bring") && refusal.Reason != delivery.PrivateKey {
			t.Errorf("%s: it does not say what to do: %s", name, refusal.Message)
		}
		t.Logf("%s | %s", name, refusal.Message)
	}
}

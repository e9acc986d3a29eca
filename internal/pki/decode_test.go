package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func block(blockType string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
}

func privateKeyBlock(t testing.TB) []byte {
	t.Helper()
	der := must.Get(x509.MarshalPKCS8PrivateKey(pkitest.Key("customer")))(t)
	return block("PRIVATE KEY", der)
}

func TestARequestIsReadAsPEMAndAsDER(t *testing.T) {
	der := newRequest(t, pkitest.Key("customer"), nil)
	for claim, data := range map[string][]byte{
		"DER":                     der,
		"CERTIFICATE REQUEST":     block("CERTIFICATE REQUEST", der),
		"NEW CERTIFICATE REQUEST": block("NEW CERTIFICATE REQUEST", der),
		"text before":             append([]byte("Certificate Request:\n  Data:\n"), block("CERTIFICATE REQUEST", der)...),
		"comment after":           append(block("CERTIFICATE REQUEST", der), "\n# made by hand\n"...),
	} {
		request, err := pki.ParseCertificateRequest(data)
		if err != nil || !bytes.Equal(request.Raw, der) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestWhatIsNotOneRequestIsRefused(t *testing.T) {
	der := newRequest(t, pkitest.Key("customer"), nil)
	one := block("CERTIFICATE REQUEST", der)
	for claim, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":              {nil, "empty"},
		"neither PEM nor DER":  {[]byte("hello"), "not a PKCS#10"},
		"two requests":         {slices.Concat(one, one), "more PEM blocks than the 1"},
		"a certificate":        {block("CERTIFICATE", der), `"CERTIFICATE"`},
		"a certificate inside": {block("CERTIFICATE REQUEST", pkitest.Root(t, "Root").Certificate.Raw), "not a PKCS#10"},
		"a private key":        {privateKeyBlock(t), "private key"},
		"a broken block":       {one[:len(one)-10], "block 1 is cut off"},
		"text after":           {append(slices.Clone(one), "text"...), "text after"},
		"DER with more after":  {append(slices.Clone(der), 0), "not a PKCS#10"},
		"too large":            {bytes.Repeat([]byte("a"), 1<<16+1), "65537 bytes"},
	} {
		_, err := pki.ParseCertificateRequest(test.data)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", claim, err, test.want)
		}
	}
}

func TestACertificateIsReadAsPEMAndAsDER(t *testing.T) {
	root := pkitest.Root(t, "Root").Certificate
	for _, data := range [][]byte{root.Raw, pkitest.PEM(root)} {
		certificate, err := pki.ParseCertificate(data)
		if err != nil || !certificate.Equal(root) {
			t.Errorf("got %v", err)
		}
	}
	for claim, data := range map[string][]byte{
		"two":       pkitest.PEM(root, root),
		"nothing":   nil,
		"a request": newRequest(t, pkitest.Key("customer"), nil),
		"too large": bytes.Repeat([]byte{0x30}, 1<<16+1),
	} {
		if _, err := pki.ParseCertificate(data); err == nil {
			t.Errorf("%s: read as a certificate", claim)
		}
	}
}

func TestABundleIsReadInOrderWithoutDuplicates(t *testing.T) {
	one, other := pkitest.Root(t, "One").Certificate, pkitest.Root(t, "Other").Certificate
	commented := fmt.Sprintf("# roots\nsubject=CN=Other\n%s\r\n   \n# again\n%s%s\n# end\n", pkitest.PEM(other),
		pkitest.PEM(one), pkitest.PEM(other))
	for claim, data := range map[string]string{
		"plain":                    string(pkitest.PEM(other, one)),
		"comments and a duplicate": commented,
		"CRLF":                     strings.ReplaceAll(commented, "\n", "\r\n"),
	} {
		bundle, err := pki.ParseBundle([]byte(data))
		if read := bundle.Certificates; err != nil || len(read) != 2 || !read[0].Equal(other) || !read[1].Equal(one) {
			t.Errorf("%s: got %d certificates, %v", claim, len(read), err)
		}
	}
}

// TestABundleIsReadAsPeopleKeepIt: what editors, mail programs and Windows make of it.
func TestABundleIsReadAsPeopleKeepIt(t *testing.T) {
	one, other := pkitest.Root(t, "a\uFEFFbyte order mark").Certificate, pkitest.Root(t, "other").Certificate
	text := string(pkitest.PEM(one, other))
	wide := make([]byte, 0, 2*(len(text)+1))
	for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for claim, data := range map[string][]byte{
		"DER":                        append(bytes.Clone(one.Raw), other.Raw...),
		"DER in base64":              []byte(base64.StdEncoding.EncodeToString(append(bytes.Clone(one.Raw), other.Raw...))),
		"base64 twice":               []byte(base64.StdEncoding.EncodeToString([]byte(text))),
		"a byte order mark in front": []byte("\uFEFF" + text),
		"and one in between":         []byte("\uFEFF" + string(pkitest.PEM(one)) + "\uFEFF" + string(pkitest.PEM(other))),
		"UTF-16":                     wide,
		"indented":                   []byte("  " + strings.ReplaceAll(text, "\n", "\n  ")),
		"CRLF":                       []byte(strings.ReplaceAll(text, "\n", "\r\n")),
		"joined without a line end":  []byte(strings.ReplaceAll(text, "-----\n-----", "----------")),
	} {
		t.Run(claim, func(t *testing.T) {
			bundle, err := pki.ParseBundle(data)
			if read := bundle.Certificates; err != nil || len(read) != 2 || !read[0].Equal(one) || !read[1].Equal(other) {
				t.Errorf("read %d certificates, %v", len(read), err)
			}
		})
	}
}

func TestWhatIsNotABundleIsRefused(t *testing.T) {
	certificate := pkitest.PEM(pkitest.Root(t, "One").Certificate)
	for claim, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "no PEM certificate"},
		"comments only": {[]byte("# none\n"), "no PEM certificate"},
		"a page":        {[]byte("<html>please log in</html>\n"), "no PEM certificate, but something else"},
		"text only":     {[]byte("see the mail"), "no PEM certificate"},
		"dashes that an editor has joined": {
			bytes.ReplaceAll(certificate, []byte("-----"), []byte("———")), "no PEM certificate",
		},
		"a private key": {slices.Concat(certificate, privateKeyBlock(t)), "block 2 is a private key"},
		"a request":     {block("CERTIFICATE REQUEST", newRequest(t, pkitest.Key("customer"), nil)), "block 1 is of type"},
		"no certificate in a block": {
			slices.Concat(certificate, block("CERTIFICATE", []byte{1, 2, 3})),
			"block 2 is not an X.509",
		},
		"a broken block at the end": {slices.Concat(certificate, certificate[:len(certificate)/2]), "block 2 is cut off"},
		"a broken block in between": {
			slices.Concat(certificate[:len(certificate)/2], []byte("\n"), certificate),
			"block 1 is cut off",
		},
		"a block with foreign bytes": {
			slices.Concat(certificate, bytes.Replace(certificate, []byte("MII"), []byte("M!!"), 1)),
			"block 2 is cut off",
		},
		"text after the last": {slices.Concat(certificate, []byte("text")), "text after"},
		"too large":           {bytes.Repeat([]byte("#"), 1<<20+1), "1048577 bytes"},
		"too many":            {bytes.Repeat(block("CERTIFICATE", []byte{1}), 501), "more PEM blocks than the 500"},
	} {
		t.Run(claim, func(t *testing.T) {
			_, err := pki.ParseBundle(test.data)
			must.Say(t, err, test.want)
		})
	}
}

func TestAPrivateKeyIsNeverRepeatedInAnError(t *testing.T) {
	text := privateKeyBlock(t)
	for _, read := range []func([]byte) error{
		func(data []byte) error { _, err := pki.ParseBundle(data); return err },
		func(data []byte) error { _, err := pki.ParseCertificate(data); return err },
		func(data []byte) error { _, err := pki.ParseCertificateRequest(data); return err },
	} {
		renamed := bytes.ReplaceAll(text, []byte("PRIVATE KEY"), []byte("SECRET"))
		for _, data := range [][]byte{text, text[:len(text)-5], renamed} {
			err := read(data)
			if err == nil {
				t.Fatal("a private key was accepted")
			}
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if !strings.Contains(line, "PRIVATE KEY") && strings.Contains(err.Error(), line) {
					t.Errorf("the error repeats the key: %v", err)
				}
			}
		}
	}
}

func FuzzParseBundle(f *testing.F) {
	certificate := pkitest.PEM(pkitest.Root(f, "One").Certificate)
	f.Add(certificate)
	f.Add(slices.Concat([]byte("# a\n"), certificate, []byte("text\n"), certificate, privateKeyBlock(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		bundle, err := pki.ParseBundle(data)
		read := bundle.Certificates
		if (err == nil) != (len(read) > 0) {
			t.Fatalf("%d certificates and error %v", len(read), err)
		}
		if err != nil {
			return
		}
		again, err := pki.ParseBundle(pkitest.PEM(read...))
		if err != nil || len(again.Certificates) != len(read) || len(again.Skipped) > 0 {
			t.Fatalf("written and read again: %d of %d certificates, %v", len(again.Certificates), len(read), err)
		}
	})
}

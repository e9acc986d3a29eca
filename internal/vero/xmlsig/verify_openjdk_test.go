package xmlsig_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// openJDKFiles are responses that are the same in every run. They were signed by the XML-DSig implementation of OpenJDK
// 17, put into an envelope by DOM import, and serialized by its Transformer, the way a Java service does it: base64 has
// carriage returns written as &#13;, with SHA-512 even in the signed DigestValue. In hoisted.xml the payload's
// declaration was on the Envelope already, so that it was left out of the payload.
type openJDKFiles struct {
	hierarchy
	envelopes map[string]string // by file name
}

func openJDK(t testing.TB) openJDKFiles {
	t.Helper()
	bundle := must.Get(pki.ParseBundle([]byte(readFile(t, "testdata/openjdk/trust.pem"))))(t)
	files := openJDKFiles{envelopes: map[string]string{}}
	files.trust = newTrust(t, bundle.Certificates...)
	files.now = time.Date(2030, time.June, 1, 0, 0, 0, 0, time.UTC)
	names, err := filepath.Glob("testdata/openjdk/*.xml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range names {
		files.envelopes[filepath.Base(name)] = readFile(t, name)
	}
	return files
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	return string(must.Get(os.ReadFile(name))(t))
}

func TestWhatOpenJDKSignsVerifies(t *testing.T) {
	files := openJDK(t)
	for name, envelope := range files.envelopes {
		t.Run(name, func(t *testing.T) { files.mustVerify(t, envelope) })
	}
}

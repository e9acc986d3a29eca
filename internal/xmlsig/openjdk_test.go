package xmlsig_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// The files in testdata/openjdk were signed by the XML-DSig implementation of OpenJDK 17, put into an envelope by DOM
// import, and serialised by its Transformer, the way a Java service does it: base64 has carriage returns written as
// &#13;, with SHA-512 even in the signed DigestValue. In hoisted.xml the payload's declaration was on the Envelope
// already, so that it was left out of the payload.
func TestWhatOpenJDKSignsVerifies(t *testing.T) {
	bundle, err := os.ReadFile("testdata/openjdk/trust.pem")
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := pki.ParseBundle(bundle)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/openjdk/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			envelope, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := hierarchy{trust: newTrust(t, certificates...), now: time.Date(2030, time.June, 1, 0, 0, 0, 0, time.UTC)}
			h.mustVerify(t, string(envelope))
		})
	}
}

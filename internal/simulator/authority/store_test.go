package authority_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

func TestADamagedDataDirectoryIsRefused(t *testing.T) {
	for claim, damage := range map[string]func(own, other []byte) []byte{
		"an empty file":         func(_, _ []byte) []byte { return nil },
		"no key":                func(own, _ []byte) []byte { return certificateOf(own) },
		"the key of another CA": join,
		"a key that is none":    func(own, _ []byte) []byte { return bytes.Replace(own, []byte("\nM"), []byte("\nA"), 2) },
	} {
		t.Run(claim, func(t *testing.T) {
			directory := t.TempDir()
			if _, err := authority.Open(directory, time.Now()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(directory, "tls-root.pem")
			own, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			other, err := os.ReadFile(filepath.Join(directory, "issuance-root.pem"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(own, other), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := authority.Open(directory, time.Now()); err == nil {
				t.Fatal("it is accepted")
			} else if bytes.Contains([]byte(err.Error()), own[len(own)-60:len(own)-30]) {
				t.Fatal("the error holds a piece of the key")
			}
		})
	}
}

var keyStart = []byte("-----BEGIN PRIVATE KEY-----")

// certificateOf is what stands before the key.
func certificateOf(content []byte) []byte {
	certificate, _, _ := bytes.Cut(content, keyStart)
	return certificate
}

// join takes the certificate of one and the key of the other.
func join(own, other []byte) []byte {
	_, key, _ := bytes.Cut(other, keyStart)
	return slices.Concat(certificateOf(own), keyStart, key)
}

func TestTheAuthoritiesOfDVVAreMadeWhenFirstAskedForAndKept(t *testing.T) {
	directory := t.TempDir()
	first, err := authority.Open(directory, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	kept := func() []string {
		found, err := filepath.Glob(filepath.Join(directory, "dvv-*.pem"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := kept(); found != nil {
		t.Fatalf("nobody has asked for %v", found)
	}
	made, err := first.DVV()
	if err != nil || len(kept()) != 4 {
		t.Fatalf("kept %v, error %v", kept(), err)
	}
	again, err := authority.Open(directory, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	found, err := again.DVV()
	if err != nil {
		t.Fatal(err)
	}
	for _, bundle := range []authority.DVVBundle{authority.DVVRootBundle, authority.DVVIntermediatesBundle,
		authority.DVVTestRootBundle, authority.DVVTestIntermediatesBundle} {
		if !bytes.Equal(made.PEM(bundle), found.PEM(bundle)) {
			t.Errorf("the bundle %s has changed", bundle)
		}
	}
	if err := os.Remove(filepath.Join(directory, "dvv-root.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := authority.Open(directory, time.Now()); err == nil || !strings.Contains(err.Error(), "[dvv-root.pem]") {
		t.Errorf("without dvv-root.pem: %v", err)
	}
}

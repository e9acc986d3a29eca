package authority_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
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
			must.Get(authority.Open(directory, time.Now()))(t)
			path := filepath.Join(directory, "tls-root.pem")
			own := must.Get(os.ReadFile(path))(t)
			other := must.Get(os.ReadFile(filepath.Join(directory, "issuance-root.pem")))(t)
			must.Do(t, os.WriteFile(path, damage(own, other), 0o600))
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
	first := must.Get(authority.Open(directory, time.Now()))(t)
	kept := func() []string { return must.Get(filepath.Glob(filepath.Join(directory, "dvv-*.pem")))(t) }
	if found := kept(); found != nil {
		t.Fatalf("nobody has asked for %v", found)
	}
	made, err := first.DVV()
	if err != nil || len(kept()) != 4 {
		t.Fatalf("kept %v, error %v", kept(), err)
	}
	again := must.Get(authority.Open(directory, time.Now()))(t)
	found := must.Get(again.DVV())(t)
	for _, bundle := range []authority.DVVBundle{authority.DVVRootBundle, authority.DVVIntermediatesBundle,
		authority.DVVTestRootBundle, authority.DVVTestIntermediatesBundle} {
		if !bytes.Equal(made.PEM(bundle), found.PEM(bundle)) {
			t.Errorf("the bundle %s has changed", bundle)
		}
	}
	must.Do(t, os.Remove(filepath.Join(directory, "dvv-root.pem")))
	_, err = authority.Open(directory, time.Now())
	must.Say(t, err, "[dvv-root.pem]")
}

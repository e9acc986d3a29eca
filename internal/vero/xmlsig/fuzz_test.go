package xmlsig_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// FuzzParse checks that Parse never panics, fails with its own error only, and that a second reader, encoding/xml by
// way of etree, sees the same document in what is accepted.
func FuzzParse(f *testing.F) {
	for _, test := range refused {
		f.Add([]byte(test.document))
	}
	for _, test := range accepted {
		f.Add([]byte(test.document))
	}
	for _, document := range documents {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := xmlsig.Parse(data)
		if err != nil {
			if _, expected := errors.AsType[*xmlsig.ParseError](err); !expected || len(err.Error()) > longestError {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		first := everything(t, document.Root())
		again, err := xmlsig.Parse([]byte(first))
		if err != nil {
			t.Fatalf("canonical form is refused: %v\n%s", err, first)
		}
		if second := everything(t, again.Root()); second != first {
			t.Fatalf("canonical form changes\n%q\n%q", first, second)
		}
		// encoding/xml knows fewer letters for names, and does not normalize white space in attributes.
		other := etree.NewDocument()
		if err := other.ReadFromBytes([]byte(first)); err != nil {
			if strings.ContainsFunc(first, func(character rune) bool { return character > 0x7F }) {
				return
			}
			t.Fatalf("accepted here, refused by encoding/xml: %v\n%s", err, first)
		}
		if second := everything(t, other.Root()); second != first {
			t.Fatalf("encoding/xml sees another document\n%q\n%q", first, second)
		}
	})
}

// everything is the canonical form that holds every declaration.
func everything(t testing.TB, element *etree.Element) string {
	t.Helper()
	return string(must.Get(xmlsig.Canonicalize(element, inclusive10))(t))
}

// FuzzVerify checks that Verify never panics, and that nothing verifies but what was signed.
func FuzzVerify(f *testing.F) {
	// The files are the same in every process, unlike anything that is signed with keys made here.
	h := openJDK(f)
	known := map[string]bool{}
	for _, envelope := range h.envelopes {
		f.Add([]byte(envelope))
		verified := must.Get(h.verify(f, envelope))(f)
		known[canonical(f, verified.Element)] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := xmlsig.Parse(data)
		if err != nil {
			return
		}
		for _, element := range append(document.FindElements("//Body/*"), document.Root()) {
			verified, err := xmlsig.Verify(element, h.signers())
			if err != nil {
				var refusal *xmlsig.VerifyError
				if !errors.As(err, &refusal) || verified != nil || len(err.Error()) > longestError {
					t.Fatalf("error of type %T: %v", err, err)
				}
				continue
			}
			if !known[canonical(t, verified.Element)] {
				t.Fatalf("verified, but never signed\n%s", data)
			}
		}
	})
}

// FuzzSignThenVerify checks that whatever Sign accepts verifies after it was written, wrapped and read, as what it was.
func FuzzSignThenVerify(f *testing.F) {
	h := newHierarchy(f)
	for _, document := range signables() {
		f.Add([]byte(document))
	}
	for _, document := range documents {
		f.Add([]byte(document))
	}
	for _, test := range accepted {
		if len(test.document) < 10_000 {
			f.Add([]byte(test.document))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := xmlsig.Parse(data)
		if err != nil {
			return
		}
		signed, err := xmlsig.Sign(document.Root(), pkitest.Key(signerKey), h.signer)
		if err != nil {
			return // signed already, for instance
		}
		wrapped, err := xmlsig.Parse([]byte(soap(written(t, signed))))
		if err != nil {
			var refusal *xmlsig.ParseError
			if errors.As(err, &refusal) && (refusal.Reason == xmlsig.TooDeep || refusal.Reason == xmlsig.TooMany ||
				refusal.Reason == xmlsig.TooLarge) {
				return // the envelope or the Signature made it too large
			}
			t.Fatal(err)
		}
		payload := wrapped.Root().ChildElements()[0].ChildElements()[0]
		verified, err := xmlsig.Verify(payload, h.signers())
		if refusal, isRefusal := errors.AsType[*xmlsig.VerifyError](err); isRefusal && refusal.Reason == xmlsig.Shape &&
			len(canonical(t, document.Root())) > len(data)+60_000 {
			return // declarations at every sibling made it too large
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, written(t, wrapped.Root()))
		}
		if got, want := canonical(t, verified.Element), canonical(t, document.Root()); got != want {
			t.Fatalf("verified %q\nsigned   %q", got, want)
		}
	})
}

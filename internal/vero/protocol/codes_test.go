package protocol_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// chapter4 is interface description 4: what each operation may answer, in its order.
var chapter4 = map[protocol.Operation][][2]string{
	protocol.SignNewCertificate: {
		{"PKI005", "Wrong environment type specified"},
		{"PKI020", "Invalid credentials"},
		{"PKI030", "Attached CSR is not valid"},
		{"PKI099", "Generic Technical Error"},
	},
	protocol.RenewCertificate: {
		{"PKI005", "Wrong environment type specified"},
		{"PKI010", "Signature verification failed"},
		{"PKI015", "Invalid certificate to be renewed received"},
		{"PKI030", "Attached CSR is not valid"},
		{"PKI080", "Certificate renewal not yet allowed"},
		{"PKI099", "Generic Technical Error"},
	},
	protocol.GetCertificate: {
		{"PKI005", "Wrong environment type specified"},
		{"PKI020", "Invalid credentials"},
		{"PKI099", "Generic Technical Error"},
	},
}

func TestTheCodeTableIsThatOfTheInterfaceDescription(t *testing.T) {
	for _, operation := range protocol.Operations() {
		var got [][2]string
		for _, meaning := range protocol.Codes() {
			if slices.Contains(meaning.Operations, operation) {
				got = append(got, [2]string{string(meaning.Code), meaning.Text})
			}
		}
		if !slices.Equal(got, chapter4[operation]) {
			t.Errorf("%s: %q, want %q", operation, got, chapter4[operation])
		}
	}
	codes := map[protocol.Code]bool{}
	for _, meaning := range protocol.Codes() {
		if codes[meaning.Code] || len(meaning.Operations) == 0 {
			t.Errorf("%s stands twice, or belongs to no operation", meaning.Code)
		}
		codes[meaning.Code] = true
		for _, text := range []string{meaning.Cause, meaning.Remedy} {
			if text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s: %q is no part of a sentence", meaning.Code, text)
			}
		}
	}
}

func TestTheTableCannotBeChangedFromOutside(t *testing.T) {
	changed := protocol.Codes()
	changed[0].Code, changed[0].Operations[0] = "changed", "changed"
	if again := protocol.Codes(); again[0].Code == "changed" || again[0].Operations[0] == "changed" {
		t.Error("the table was changed")
	}
}

func TestAnErrorSaysWhatItsCodeMeans(t *testing.T) {
	for _, meaning := range protocol.Codes() {
		err := &protocol.ServiceError{Code: meaning.Code, Text: meaning.Text}
		if got, known := err.Meaning(); !known || got.Cause != meaning.Cause {
			t.Errorf("%s means %#v", meaning.Code, got)
		}
		must.Say(t, err, string(meaning.Code), meaning.Text, meaning.Cause)
	}
}

func TestAnUnknownCodeSaysThatItIsUnknown(t *testing.T) {
	err := error(&protocol.ServiceError{Code: "PKI777", Text: "a"})
	var refusal *protocol.ServiceError
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	if _, known := refusal.Meaning(); known || !strings.Contains(err.Error(), "PKI777 (a), a code it has not documented") {
		t.Error(err)
	}
	if got := (&protocol.ServiceError{Code: "PKI777"}).Error(); strings.Contains(got, "()") {
		t.Error(got)
	}
}

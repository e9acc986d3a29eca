package vero_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/vero"
)

// checks are the fields that are texts, with their greatest length in characters (seed 004, 3).
var checks = map[string]struct {
	check    func(string) error
	longest  int
	optional bool
	secret   bool
}{
	"CustomerId":   {check: vero.CheckCustomerID, longest: 30},
	"CustomerName": {check: vero.CheckCustomerName, longest: 100, optional: true},
	"TransferId":   {check: vero.CheckTransferID, longest: 32},
	"TransferPassword": {
		check:   func(value string) error { return vero.CheckTransferPassword(vero.NewPassword(value)) },
		longest: 16, secret: true,
	},
	"RetrievalId": {check: vero.CheckRetrievalID, longest: 32},
}

func TestEveryTextTakesWhatTheServiceTakes(t *testing.T) {
	for field, c := range checks {
		for claim, value := range map[string]string{
			"one character":                   "x",
			"a single hyphen":                 "a-b",
			"a slash, and an asterisk apart":  "a/b *c",
			"special characters":              `<&>'"`,
			"what looks like a reference":     "&#65;",
			"umlauts of the greatest length":  strings.Repeat("ä", c.longest),
			"characters beyond the first 64k": strings.Repeat("\U0001F600", c.longest),
			"a space inside":                  "a b",
		} {
			t.Run(field+"/"+claim, func(t *testing.T) {
				if err := c.check(value); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestEveryTextRefusesWhatTheServiceRefuses(t *testing.T) {
	for field, c := range checks {
		for claim, test := range map[string]struct{ value, problem string }{
			"one character too many":  {strings.Repeat("ä", c.longest+1), "characters"},
			"two hyphens":             {"a--b", "contains --"},
			"a slash and an asterisk": {"a/*b", "contains /*"},
			"a line feed at the end":  {"abc\n", "line break"},
			"a carriage return":       {"a\rb", "line break"},
			"a tab":                   {"a\tb", "control character"},
			"a null byte":             {"a\x00b", "control character"},
			"a delete":                {"a\x7fb", "control character"},
			"a C1 control":            {"a\u0085b", "control character"},
			"a line separator":        {"a\u2028b", "line break"},
			"a paragraph separator":   {"a\u2029b", "line break"},
			"a byte order mark":       {"\uFEFFabc", "byte order mark"},
			"a character XML has not": {"a\uFFFEb", "control character"},
			"another one":             {"a\uFFFFb", "control character"},
			"invalid UTF-8":           {"a\xffb", "invalid UTF-8"},
			"half a surrogate pair":   {"a\xed\xa0\x80b", "invalid UTF-8"},
			"a space at the start":    {" abc", "white space"},
			"a space at the end":      {"abc ", "white space"},
			"a space that is wide":    {"abc\u00A0", "white space"},
			"nothing but a space":     {" ", "white space"},
		} {
			t.Run(field+"/"+claim, func(t *testing.T) {
				err := c.check(test.value)
				var broken *vero.FieldError
				if !errors.As(err, &broken) || broken.Field != field || broken.Remedy == "" ||
					!strings.Contains(broken.Problem, test.problem) {
					t.Fatalf("error %v, want one about %s that says %q", err, field, test.problem)
				}
				if !strings.HasPrefix(err.Error(), field+" ") {
					t.Errorf("the error does not begin with the field's name: %v", err)
				}
				if c.secret && strings.TrimSpace(test.value) != "" && strings.Contains(err.Error(), test.value) {
					t.Errorf("the error shows the value: %v", err)
				}
			})
		}
	}
}

func TestOnlyTheNameMayBeLeftOut(t *testing.T) {
	for field, c := range checks {
		if err := c.check(""); (err == nil) != c.optional {
			t.Errorf("%s: error %v, optional: %v", field, err, c.optional)
		}
	}
	if err := vero.CheckTransferPassword(vero.Password{}); err == nil {
		t.Error("no password at all is accepted")
	}
}

func TestABusinessIDWithoutItsHyphenIsToldHowToBeWritten(t *testing.T) {
	for claim, value := range map[string]string{
		"no hyphen":               "01234567",
		"a space instead":         "0123456 7",
		"a no-break space":        "0123456\u00A07",
		"an en dash instead":      "0123456–7",
		"a hyphen of typography":  "0123456‐7",
		"a minus sign instead":    "0123456−7",
		"an em dash instead":      "0123456—7",
		"a non-breaking hyphen":   "0123456\u20117",
		"a horizontal bar":        "0123456―7",
		"a figure dash, for once": "0123456‒7",
	} {
		t.Run(claim, func(t *testing.T) {
			err := vero.CheckCustomerID(value)
			if err == nil || !strings.Contains(err.Error(), "write 0123456-7") {
				t.Errorf("error %v", err)
			}
		})
	}
	for claim, value := range map[string]string{
		"a business id":           "0123456-7",
		"another kind of id":      "FI01234567",
		"nine digits":             "012345678",
		"seven digits":            "0123456",
		"eight letters":           "ABCDEFGH",
		"digits of other scripts": "٠١٢٣٤٥٦٧",
	} {
		t.Run(claim+" is accepted", func(t *testing.T) {
			if err := vero.CheckCustomerID(value); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARequestMustBeOnePieceOfDER(t *testing.T) {
	for claim, request := range map[string][]byte{
		"nothing":          nil,
		"PEM":              []byte("-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQA=\n-----END CERTIFICATE REQUEST-----\n"),
		"base64":           []byte("MAMCAQA="),
		"half of it":       someRequest[:3],
		"more after it":    append(bytes.Clone(someRequest), 0),
		"another kind":     {0x02, 0x01, 0x00},
		"a private class":  {0xf0, 0x03, 0x02, 0x01, 0x00},
		"more than 64 KiB": append([]byte{0x30, 0x83, 0x01, 0x00, 0x00}, make([]byte, 1<<16)...),
	} {
		t.Run(claim, func(t *testing.T) {
			message := renew()
			message.CSR = request
			_, err := message.Payload()
			var broken *vero.FieldError
			if !errors.As(err, &broken) || broken.Field != "CertificateRequest" || broken.Problem == "" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTheEnvironmentIsOneOfTwo(t *testing.T) {
	for _, environment := range []vero.Environment{"", "test", "QA", " TEST"} {
		message := get()
		message.Environment = environment
		_, err := message.Payload()
		var broken *vero.FieldError
		if !errors.As(err, &broken) || broken.Field != "Environment" {
			t.Errorf("%q: error %v", environment, err)
		}
	}
}

package protocol_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// checks are the fields that are texts, with their greatest length in characters (interface description 3).
var checks = map[string]struct {
	check    func(string) error
	longest  int
	optional bool
	secret   bool
	// name says that it is for people: it has letters of every script, and blanks.
	name bool
}{
	"CustomerId":   {check: protocol.CheckCustomerID, longest: 30},
	"CustomerName": {check: protocol.CheckCustomerName, longest: 100, optional: true, name: true},
	"TransferId":   {check: protocol.CheckTransferID, longest: 32},
	"TransferPassword": {
		check:   func(value string) error { return protocol.CheckTransferPassword(protocol.NewPassword(value)) },
		longest: 16, secret: true,
	},
	"RetrievalId": {check: protocol.CheckRetrievalID, longest: 32},
}

func TestEveryTextTakesWhatTheServiceTakes(t *testing.T) {
	for field, c := range checks {
		taken := map[string]string{
			"one character":                  "x",
			"a single hyphen":                "a-b",
			"a slash, and an asterisk apart": "a/b.*c",
			"special characters":             `<&>'"~!`,
			"what looks like a reference":    "&#65;",
			"the greatest length":            strings.Repeat("x", c.longest),
		}
		if c.name {
			taken["umlauts of the greatest length"] = strings.Repeat("ä", c.longest)
			taken["umlauts of the greatest length, in two characters each"] = strings.Repeat("a\u0308", c.longest)
			taken["characters beyond the first 64k, which count twice"] = strings.Repeat("\U0001F600", c.longest/2)
			taken["a space inside"] = "a b"
		}
		for claim, value := range taken {
			t.Run(field+"/"+claim, func(t *testing.T) { must.Do(t, c.check(value)) })
		}
	}
}

func TestEveryTextRefusesWhatTheServiceRefuses(t *testing.T) {
	for field, c := range checks {
		for claim, test := range map[string]struct{ value, problem string }{
			"one character too many":  {strings.Repeat("x", c.longest+1), "characters"},
			"two hyphens":             {"a--b", "contains --"},
			"a slash and an asterisk": {"a/*b", "contains /*"},
			"a line feed at the end":  {"abc\n", "U+000A LINE FEED at 4"},
			"a carriage return":       {"a\rb", "U+000D CARRIAGE RETURN at 2"},
			"a tab":                   {"a\tb", "U+0009 TAB at 2"},
			"a null byte":             {"a\x00b", "U+0000 NULL at 2"},
			"a delete":                {"a\x7fb", "U+007F DELETE at 2"},
			"a C1 control":            {"a\u0085b", "U+0085 NEXT LINE at 2"},
			"a line separator":        {"a\u2028b", "U+2028 LINE SEPARATOR at 2"},
			"a paragraph separator":   {"a\u2029b", "U+2029 PARAGRAPH SEPARATOR at 2"},
			"a byte order mark":       {"\uFEFFabc", "U+FEFF ZERO WIDTH NO-BREAK SPACE at 1"},
			"a character XML has not": {"a\uFFFEb", "U+FFFE"},
			"another one":             {"a\uFFFFb", "U+FFFF"},
			"invalid UTF-8":           {"a\xffb", "not UTF-8 at 2"},
			"half a surrogate pair":   {"a\xed\xa0\x80b", "not UTF-8 at 2"},
			"a space at the start":    {" abc", blank(c.name, "U+0020 SPACE at 1")},
			"a space at the end":      {"abc ", blank(c.name, "U+0020 SPACE at 4")},
			"a space that is wide":    {"abc\u00A0", blank(c.name, "U+00A0 NO-BREAK SPACE at 4")},
			"nothing but a space":     {" ", blank(c.name, "U+0020 SPACE at 1")},
		} {
			t.Run(field+"/"+claim, func(t *testing.T) {
				err := c.check(test.value)
				if broken, is := errors.AsType[*protocol.FieldError](err); !is || broken.Field != field || broken.Remedy == "" ||
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

// blank is what is said of a blank at the edge of a value: names may have some inside.
func blank(isName bool, character string) string {
	if isName {
		return "white space"
	}
	return character
}

func TestOnlyTheNameMayBeLeftOut(t *testing.T) {
	for field, c := range checks {
		if err := c.check(""); (err == nil) != c.optional {
			t.Errorf("%s: error %v, optional: %v", field, err, c.optional)
		}
	}
	if err := protocol.CheckTransferPassword(protocol.Password{}); err == nil {
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
			err := protocol.CheckCustomerID(value)
			must.Say(t, err, "write 0123456-7")
		})
	}
	for claim, value := range map[string]string{
		"a business id":      "0123456-7",
		"another kind of id": "FI01234567",
		"nine digits":        "012345678",
		"seven digits":       "0123456",
		"eight letters":      "ABCDEFGH",
	} {
		t.Run(claim+" is accepted", func(t *testing.T) { must.Do(t, protocol.CheckCustomerID(value)) })
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
			var broken *protocol.FieldError
			if !errors.As(err, &broken) || broken.Field != "CertificateRequest" || broken.Problem == "" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTheEnvironmentIsOneOfTwo(t *testing.T) {
	for _, environment := range []protocol.Environment{"", "test", "QA", " TEST"} {
		message := get()
		message.Environment = environment
		_, err := message.Payload()
		if broken, is := errors.AsType[*protocol.FieldError](err); !is || broken.Field != "Environment" {
			t.Errorf("%q: error %v", environment, err)
		}
	}
}

package protocol_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

const secret = "HUSH-HUSH-9"

// hidingPlaces are values that hold the password in ways that package fmt treats differently: it asks the methods of
// no unexported field.
func hidingPlaces() map[string]any {
	password := protocol.NewPassword(secret)
	message := signNew()
	message.TransferPassword = password
	return map[string]any{
		"a password":            password,
		"a pointer":             &password,
		"a message":             *message,
		"a pointer to one":      message,
		"an exported field":     struct{ Password protocol.Password }{password},
		"an unexported field":   struct{ password protocol.Password }{password},
		"an unexported message": struct{ message protocol.SignNew }{*message},
		"an unexported pointer": struct{ message *protocol.SignNew }{message},
		"a list":                []protocol.Password{password},
		"a map":                 map[string]protocol.Password{"password": password},
		"an interface":          struct{ value any }{password},
		"a list in a field":     struct{ passwords []protocol.Password }{[]protocol.Password{password}},
	}
}

func TestNoVerbPrintsThePassword(t *testing.T) {
	for claim, value := range hidingPlaces() {
		for _, verb := range []string{
			"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%c", "%U", "%b", "%o", "%e", "%20v", "%-20s",
			"%.3s", "%T",
		} {
			checkHidden(t, claim+" "+verb, fmt.Sprintf(verb, value))
		}
		checkHidden(t, claim, fmt.Sprint(value), fmt.Sprintln(value), fmt.Errorf("failed: %v", value).Error())
	}
	if got := fmt.Sprintf("%v %s %d %#v", protocol.NewPassword(secret), protocol.Password{}, protocol.NewPassword(secret),
		protocol.NewPassword(secret)); got != "[redacted] [redacted] [redacted] [redacted]" {
		t.Error(got)
	}
}

func checkHidden(t *testing.T, claim string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", secret)) ||
			strings.Contains(text, secret[:3]) {
			t.Errorf("%s shows the password: %s", claim, text)
		}
	}
}

func TestNoEncoderWritesThePassword(t *testing.T) {
	for claim, value := range hidingPlaces() {
		encoded := must.Get(json.Marshal(value))(t)
		checkHidden(t, claim+" in JSON", string(encoded))
	}
	message := signNew()
	message.TransferPassword = protocol.NewPassword(secret)
	encoded, err := json.Marshal(message) //nolint:musttag // for whoever does it by mistake
	if err != nil || !strings.Contains(string(encoded), `"TransferPassword":"[redacted]"`) {
		t.Errorf("%s, error %v", encoded, err)
	}
	document, err := xml.Marshal(message) //nolint:musttag // for whoever does it by mistake
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, "XML", string(document))
	var stream bytes.Buffer
	if err := gob.NewEncoder(&stream).Encode(message); err == nil {
		checkHidden(t, "gob", stream.String())
	}
	var _ encoding.TextMarshaler = protocol.Password{}
	checkHidden(t, "String", protocol.NewPassword(secret).String())
}

func TestNoLoggerWritesThePassword(t *testing.T) {
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{
		slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil)),
	} {
		for claim, value := range hidingPlaces() {
			logger.Info("message", "claim", claim, "value", value)
		}
		logger.Info("message", "error", fmt.Errorf("failed: %s", protocol.NewPassword(secret)))
	}
	checkHidden(t, "slog", log.String())
}

func TestOnlyTheMessageReadsThePassword(t *testing.T) {
	message := signNew()
	message.TransferPassword = protocol.NewPassword(secret)
	if document := wrapped(t, message); !strings.Contains(string(document), ">"+secret+"<") {
		t.Errorf("the message is without its password:\n%s", document)
	}
	if got := protocol.NewPassword(secret).Reveal(); got != secret {
		t.Errorf("revealed %q", got)
	}
	if got := (protocol.Password{}).Reveal(); got != "" {
		t.Errorf("no password reveals %q", got)
	}
}

func TestAFingerprintTellsPasswordsApartAndNothingElse(t *testing.T) {
	first := protocol.NewPassword(secret).Fingerprint("salt")
	if len(first) != 4 || first != protocol.NewPassword(secret).Fingerprint("salt") {
		t.Errorf("%q is no fingerprint", first)
	}
	// Chosen so that the few digits differ.
	another, salted := protocol.NewPassword("other"), protocol.NewPassword(secret).Fingerprint("pepper")
	if first == another.Fingerprint("salt") || first == salted {
		t.Error("another password, or another salt, has the same fingerprint")
	}
	if got := (protocol.Password{}).Fingerprint("salt"); len(got) != 4 {
		t.Errorf("the fingerprint of no password is %q", got)
	}
}

package commands_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// TestNoTextOfATenantMovesTheCursor of who looks at it, by any verb, nor makes the table of all as wide as it likes.
func TestNoTextOfATenantMovesTheCursor(t *testing.T) {
	namespace := server.Namespace(t)
	const moves = "x\x1b[2J\x1b]0;title\a\r\u009b1A\u202e\U000e0001\nCertificate  other  ready"
	hostile := certificate(namespace, "hostile", "ManualIssuer")
	hostile.Spec.IssuerRef.Name = moves
	hostile.Status.Conditions = hostile.Status.Conditions[:1]
	hostile.Status.Conditions[0].Reason, hostile.Status.Conditions[0].Message = moves, moves
	create(t, hostile, certificate(namespace, "calm", "VeroIssuer"))
	request := requestOf(t, hostile, moves)
	request.Status.Conditions[1].Reason = moves
	create(t, request)
	for _, arguments := range []string{
		"status", "status -o wide", "status -A", "why hostile", "why hostile -o yaml", "why hostile -o json", "calendar",
		"credentials hostile",
		"csr hostile", "complete hostile -", "__complete why h",
	} {
		c := &call{}
		err := c.run(t, append(strings.Fields(arguments), "-n", namespace)...)
		shown := c.out.String() + c.err.String()
		if err != nil {
			shown += commands.Complaint(err)
		}
		shown = strings.NewReplacer("\n", "", "\r\n", "").Replace(shown)
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\t' && !unicode.IsGraphic(r) }); i >= 0 {
			t.Errorf("%s shows %q", arguments, shown[max(0, i-40):min(len(shown), i+40)])
		}
		if arguments == "why hostile" && strings.Contains(c.out.String(), "\nCertificate  other") {
			t.Errorf("a text is an object of its own:\n%s", c.out)
		}
	}
	read := overview.Row{}
	must.Do(t, json.Unmarshal([]byte(says(t, "why", "hostile", "-o", "json", "-n", namespace)), &read))
	if got := read.Chain[0].Message; got != moves {
		t.Errorf("a program reads %q", got)
	}
	hostile.Spec.IssuerRef.Name = strings.Repeat("x", 1<<16)
	must.Do(t, server.Client.Update(t.Context(), hostile))
	for line := range strings.Lines(says(t, "status", "-n", namespace, "-o", "wide")) {
		if strings.Contains(line, "calm") && len(line) > 3000 {
			t.Errorf("beside it a row has %d bytes", len(line))
		}
	}
}

// TestACSRIsWrittenAlone: what somebody has put around it reaches neither a terminal nor an authority.
func TestACSRIsWrittenAlone(t *testing.T) {
	namespace := server.Namespace(t)
	order := manualIn(t, namespace, "leimat").order
	block, _ := pem.Decode(order.Spec.Request)
	other := order.DeepCopy()
	other.ObjectMeta = meta(namespace, "manual-2")
	other.Spec.Request = append([]byte("\x1b[31mSend it to somebody else\n"), order.Spec.Request...)
	create(t, other)
	if got := says(t, "csr", "-n", namespace, "manual-2"); got != string(order.Spec.Request) {
		t.Errorf("it writes %q", got)
	}
	if got := says(t, "csr", "-n", namespace, "manual-2", "--der"); got != string(block.Bytes) {
		t.Errorf("in DER it writes %q", got)
	}
}

// full is a disk without room.
type full struct{ bytes.Buffer }

func (*full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestWhatCannotBeWrittenIsAnError of every verb that has something to say.
func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	namespace := server.Namespace(t)
	manualIn(t, namespace, "leimat")
	for _, arguments := range []string{
		"status", "status -o wide", "status -o json", "why leimat", "why leimat -o yaml", "csr leimat", "calendar",
	} {
		must.Say(t, (&call{writer: &full{}}).run(t, append(strings.Fields(arguments), "-n", namespace)...), "no space left")
	}
}

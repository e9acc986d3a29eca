package client_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// disguises are the forms in which a service may repeat a secret.
var disguises = map[string]func(secret string) string{
	"as it is":            func(s string) string { return s },
	"within a sentence":   func(s string) string { return "Password '" + s + "' is wrong." },
	"in capitals":         strings.ToUpper,
	"escaped for HTML":    html.EscapeString,
	"escaped twice":       func(s string) string { return html.EscapeString(html.EscapeString(s)) },
	"escaped for a URL":   url.PathEscape,
	"as a query":          url.QueryEscape,
	"in JSON within JSON": func(s string) string { text, _ := json.Marshal(s); return string(text) },
	"in base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x:" + s)) },
	"in hexadecimal":      func(s string) string { return hex.EncodeToString([]byte(s)) },
	"as references":       func(s string) string { return everyCharacter(s, "&#%d;") },
	"as hexadecimal ones": func(s string) string { return everyCharacter(s, "&#x%x;") },
	"as escapes":          func(s string) string { return everyCharacter(s, `\u%04x`) },
	"wrapped":             func(s string) string { return everyCharacter(s, "%c\n ") },
	"with what is unseen": func(s string) string { return everyCharacter(s, "%c\u200b\u0000") },
	"its beginning":       func(s string) string { return "begins with " + string([]rune(s)[:16]) },
	"its middle":          func(s string) string { return "has " + string([]rune(s)[9:25]) + " in it" },
	"behind much":         func(s string) string { return strings.Repeat("x ", 120) + s },
	"behind very much":    func(s string) string { return strings.Repeat("x ", 8000) + s },
}

func everyCharacter(text, format string) string {
	var made strings.Builder
	for _, character := range text {
		_, _ = fmt.Fprintf(&made, format, character)
	}
	return made.String()
}

func TestNoResultShowsWhatAHostileServiceRepeats(t *testing.T) {
	secrets := map[admin.MessagesOperation][]string{
		admin.MessagesToken: {first}, admin.MessagesChange: {first, second, token}, admin.MessagesEvents: {token},
	}
	for claim, disguise := range disguises {
		for operation, known := range secrets {
			t.Run(claim+", "+string(operation), func(t *testing.T) {
				t.Parallel()
				for _, secret := range known {
					hostile := disguise(secret)
					body, err := json.Marshal(map[string]string{"reason": hostile, "traceId": secret})
					if err != nil {
						t.Fatal(err)
					}
					for _, status := range []int{400, 403, 502} {
						c := serve(t, func(writer http.ResponseWriter, incoming *http.Request) {
							writer.Header().Set("traceId", secret)
							say(status, jsonType, string(body))(writer, incoming)
						}, nil)
						got := calls[operation](t, c, "esimerkki", token)
						checkShown(t, got, base64.StdEncoding.EncodeToString([]byte("x:"+secret)),
							hex.EncodeToString([]byte(secret)), everyCharacter(secret, "&#%d;"), everyCharacter(secret, "&#x%x;"),
							everyCharacter(secret, `u%04x`), url.QueryEscape(secret))
						if got.TraceID != "" || got.Status != status {
							t.Errorf("%+v", got)
						}
					}
				}
			})
		}
	}
}

func TestATokenKeepsThePasswordOutOfWhatIsSaidOfItsCalls(t *testing.T) {
	c := serve(t, func(writer http.ResponseWriter, incoming *http.Request) {
		if strings.HasSuffix(incoming.URL.Path, "/v1/token") {
			say(200, jsonType, `{"access_token":"`+token+`"}`)(writer, incoming)
			return
		}
		say(400, jsonType, `{"reason":"the password was `+first+`"}`)(writer, incoming)
	}, nil)
	had := c.Token(t.Context(), "esimerkki", password.New(first))
	checkShown(t, had)
	for _, got := range []client.Result{
		c.Events(t.Context(), had.Token),
		c.ChangePassword(t.Context(), had.Token, password.New("x"), password.New("y")),
	} {
		if checkShown(t, got); got.Outcome != client.Refused || !strings.Contains(got.Reason, "not shown") {
			t.Errorf("%+v", got)
		}
	}
}

func TestAReasonIsShownOnOneLineAndNotLongerThanItMayBe(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for said, want := range map[string]string{
		"Incorrect username or password.":                       "Incorrect username or password.",
		"com.amazonaws.services.cognitoidp.model.NotAuthorized": "com.amazonaws.services.cognitoidp.model.NotAuthorized",
		"\x1b[31mred\x00\r\n\u202eline\tbreak\u2028s ":          "[31mred line break s",
		long:                                   long[:2*256] + "…",
		"":                                     "",
		"see 0123456789abcdef0123456789abcdef": "see […]",
	} {
		body, err := json.Marshal(map[string]any{"reason": said, "traceId": "1-67891233-abcdef012345678912345678", "new": 1})
		if err != nil {
			t.Fatal(err)
		}
		got := serve(t, say(400, jsonType, string(body)), nil).Token(t.Context(), "esimerkki", password.New(first))
		if got.Reason != want || got.TraceID != "1-67891233-abcdef012345678912345678" || got.Outcome != client.Refused {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

func TestPasswordsAndTokensDoNotPrint(t *testing.T) {
	values := []any{
		password.New(first), client.NewToken(token), &client.TokenResult{Token: client.NewToken(token)},
		client.TokenResult{Token: client.NewToken(token)}, struct{ hidden password.Password }{password.New(first)},
		map[string]password.Password{"x": password.New(first)},
	}
	for _, value := range values {
		checkShown(t, value)
		for _, verb := range []string{"%s", "%q", "%x", "%d", "%c", "%.9s"} {
			printed := fmt.Sprintf(verb, value)
			if strings.Contains(printed, first[:5]) || strings.Contains(printed, token[:5]) ||
				strings.Contains(printed, fmt.Sprintf("%x", first[:5])) {
				t.Errorf("%s prints %s", verb, printed)
			}
		}
	}
	if password.New(first).Reveal() != first || client.NewToken(token).Reveal() != token {
		t.Error("a value is lost")
	}
}

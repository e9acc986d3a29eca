package client

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzResponse holds what is made of a response against what may be: an outcome that the status allows, texts that can
// be shown, a token that can stand in a header.
func FuzzResponse(f *testing.F) {
	const secret = "First-password-of-the-owner-4711"
	for _, body := range []string{
		`{"access_token":"eyJ.x.y","expires_in":3600,"token_type":"Bearer"}`, `{"reason":"Incorrect","traceId":"1-2"}`,
		`{"reason":"` + secret + `"}`, `{"reason":"\u0046irst-password-of-the-owner-4711"}`, "<html>", `{"access_token":"a`,
		"[[[", "{}", "",
	} {
		for _, status := range []int{200, 302, 400, 401, 502} {
			f.Add(status, []byte(body), "trace", false, false)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, trace string, incomplete, html bool) {
		got := received{status: status, body: body, traceID: trace, html: html}
		if incomplete {
			got.body, got.incomplete = nil, "the response is not complete"
		}
		result := withoutSecrets(got.interpret(), []string{secret})
		switch {
		case !slices.Contains(Outcomes(), result.Outcome) || result.Outcome == NotSent:
			t.Errorf("%d: %+v is no outcome of a response", status, result)
		case (result.Outcome == Done) != (status == 200 && !html && !incomplete),
			result.Outcome == Refused && status != 400, result.Outcome == NotAllowed && !turnedAway[status]:
			t.Errorf("%d: %+v", status, result)
		}
		for _, text := range []string{result.Reason, result.Detail, result.TraceID} {
			if utf8.RuneCountInString(text) > longestReason+1 && text != result.Detail || !utf8.ValidString(text) ||
				strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) && text != result.Detail {
				t.Errorf("%q cannot be shown", text)
			}
			if plain := strings.Join(strings.Fields(text), ""); strings.Contains(plain, secret[:15]) ||
				strings.Contains(plain, secret[17:]) {
				t.Errorf("%q shows the secret", text)
			}
		}
		value, lifetime, problem := readToken(body)
		if (value == "") != (problem != "") || lifetime < 0 || lifetime > longestLifetime ||
			strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("the token %q of %s, problem %q", value, lifetime, problem)
		}
	})
}

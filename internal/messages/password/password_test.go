package password_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/messages/password"
)

const secret = "Sesame-open-0123456789-abcdefghij~"

// endless repeats bytes.
type endless struct {
	bytes []byte
	next  int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.bytes[e.next%len(e.bytes)]
		e.next++
	}
	return len(p), nil
}

func TestAPasswordKeepsTheRules(t *testing.T) {
	const draws = 2000
	for i := range draws {
		length := password.MinLength + i%(password.MaxLength-password.MinLength+1)
		made, err := password.Generate(rand.Reader, length)
		if err != nil {
			t.Fatal(err)
		}
		text := made.Reveal()
		inYAML := ""
		if err := yaml.Unmarshal([]byte(text), &inYAML); err != nil || inYAML != text {
			t.Errorf("%q is something else in YAML: %v", text, err)
		}
		inJSON, err := json.Marshal(text)
		first := strings.IndexFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
		if err != nil || string(inJSON) != `"`+text+`"` || first != 0 || len(text) != length || password.Check(made) != nil {
			t.Errorf("%q of length %d: %v, %v", text, len(text), err, password.Check(made))
		}
		for _, class := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "~"} {
			if !strings.ContainsAny(text, class) {
				t.Errorf("%q has none of %s", text, class)
			}
		}
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") != "" {
			t.Errorf("%q has other characters", text)
		}
	}
}

// TestNoCharacterIsLikelier than another, but for the first one, which is a letter, and the symbol that must be there:
// of 255,000 characters each comes about 3,864 times, and the remainder of a division would make most twice as likely.
func TestNoCharacterIsLikelier(t *testing.T) {
	random, seen := mathrand.NewChaCha8([32]byte{1}), map[rune]int{}
	for range 1000 {
		made, err := password.Generate(random, password.MaxLength)
		if err != nil {
			t.Fatal(err)
		}
		for _, character := range made.Reveal()[1:] {
			seen[character]++
		}
	}
	least, most := math.MaxInt, 0
	for _, count := range seen {
		least, most = min(least, count), max(most, count)
	}
	const all, tolerance = 66, 0.15
	if len(seen) != all || float64(most-least) > tolerance*float64(most) {
		t.Errorf("%d characters were drawn, %d to %d times", len(seen), least, most)
	}
}

func TestRandomnessIsTakenFromTheSource(t *testing.T) {
	draw := func() string {
		made, err := password.Generate(mathrand.NewChaCha8([32]byte{2}), password.DefaultLength)
		if err != nil {
			t.Fatal(err)
		}
		return made.Reveal()
	}
	if first := draw(); first != draw() || len(first) != password.DefaultLength {
		t.Errorf("the same bytes made %q", first)
	}
	failure := errors.New("no entropy")
	for claim, c := range map[string]struct {
		random io.Reader
		length int
		want   error
	}{
		"one that fails":                           {iotest.ErrReader(failure), 48, failure},
		"one that ends":                            {strings.NewReader("abc"), 48, io.EOF},
		"one that repeats a byte":                  {&endless{bytes: []byte{7}}, 48, password.ErrRandomness},
		"one that repeats a byte of no character":  {&endless{bytes: []byte{127}}, 48, password.ErrRandomness},
		"one for a password that is too short":     {rand.Reader, 31, nil},
		"one for a password that is too long":      {rand.Reader, 257, nil},
		"one that has letters and the symbol only": {&endless{bytes: []byte{1, 2, 30, 65}}, 48, password.ErrRandomness},
	} {
		made, err := password.Generate(c.random, c.length)
		if err == nil || made.Reveal() != "" || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestWhatAPersonBrings(t *testing.T) {
	for claim, c := range map[string]struct{ value, says string }{
		"as the owner sends it":    {secret, ""},
		"one under other rules":    {"Pa$$w0rd#", ""},
		"the longest":              {strings.Repeat("ä", 256), ""},
		"nothing":                  {"", "is empty"},
		"one with a line break":    {secret + "\n", "ends with a line break"},
		"one with a blank":         {secret + " x", "white space"},
		"one with a no-break":      {secret + "\u00A0x", "white space"},
		"one with a tab":           {secret + "\t", "white space"},
		"one with a null":          {secret + "\x00", "not printable"},
		"one with a byte order":    {"\uFEFF" + secret, "not printable"},
		"one that is not text":     {secret + "\xff", "not printable"},
		"one with a backslash":     {secret + `\`, "backslash"},
		"one with 257 characters":  {strings.Repeat("ä", 257), "more than 256"},
		"base64 of nothing usable": {"\x89\xabï", "not printable"},
	} {
		err := password.Check(password.New(c.value))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", claim, err)
		}
		if err != nil && strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%s: %v shows the password", claim, err)
		}
	}
}

func TestAPasswordIsNotShown(t *testing.T) {
	hidden := password.New(secret)
	within := struct {
		Public  password.Password `json:"public"`
		private password.Password
	}{hidden, hidden}
	logged := &bytes.Buffer{}
	slog.New(slog.NewJSONHandler(logged, nil)).Info("it", "password", hidden, "within", within)
	marshaled, err := json.Marshal(within)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+verb+verb, hidden, within, &within)
	}
	for _, text := range []string{hidden.String(), logged.String(), string(marshaled), shown.String()} {
		if strings.Contains(text, "esame") || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("%q shows it", text)
		}
	}
	if !hidden.Equal(password.New(secret).Text) || hidden.Equal(password.New(secret+"x").Text) ||
		hidden.Equal(password.Password{}.Text) {
		t.Error("it is not equal to itself alone")
	}
}

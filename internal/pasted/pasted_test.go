package pasted_test

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/pasted"
)

// TestWhatNobodySeesIsNamed with its position, in ids and passwords; in names where it is invisible.
func TestWhatNobodySeesIsNamed(t *testing.T) {
	for r, c := range map[string]struct {
		name   string
		inName bool // whether a name may have it
	}{
		"\u200B": {"U+200B ZERO WIDTH SPACE", false}, "\u200C": {"U+200C ZERO WIDTH NON-JOINER", false},
		"\u200D": {"U+200D ZERO WIDTH JOINER", false}, "\u2060": {"U+2060 WORD JOINER", false},
		"\u00AD": {"U+00AD SOFT HYPHEN", false}, "\u200E": {"U+200E LEFT-TO-RIGHT MARK", false},
		"\u202E": {"U+202E RIGHT-TO-LEFT OVERRIDE", false}, "\u2069": {"U+2069 POP DIRECTIONAL ISOLATE", false},
		"\u180E": {"U+180E MONGOLIAN VOWEL SEPARATOR", false}, "\uFEFF": {"U+FEFF ZERO WIDTH NO-BREAK SPACE", false},
		"\u00A0": {"U+00A0 NO-BREAK SPACE", true}, "\u2011": {"U+2011 NON-BREAKING HYPHEN", true},
		"\uFF11": {"U+FF11 FULLWIDTH DIGIT ONE", true}, "\uFE0F": {"U+FE0F VARIATION SELECTOR-16", false},
		"\u034F": {"U+034F COMBINING GRAPHEME JOINER", false}, "\u3164": {"U+3164 HANGUL FILLER", false},
		"\u2019": {"U+2019 RIGHT SINGLE QUOTATION MARK", true}, "\uE000": {"U+E000 <Private Use>", false},
		"\u0378": {"U+0378 (unassigned)", false}, "\x1b": {"U+001B <control>", false},
		"ä": {"U+00E4 LATIN SMALL LETTER A WITH DIAERESIS", true},
		" ": {"U+0020 SPACE", true},
	} {
		value, want := "ab1"+r+"2", c.name+" at 4"
		if got := pasted.Identifier(value); got != want {
			t.Errorf("of an id it tells %q, want %q", got, want)
		}
		if c.inName {
			want = ""
		}
		if got := pasted.Name(value); got != want {
			t.Errorf("of a name it tells %q, want %q", got, want)
		}
	}
	for _, right := range []string{"", "0123456-7", "!~<&>'\"", "Pa55word"} {
		if got := pasted.Identifier(right) + pasted.Name(right); got != "" {
			t.Errorf("of %q it tells %q", right, got)
		}
	}
	if pasted.Normalize("a\u0308") != "ä" || pasted.Length("ä\U0001F600") != 3 {
		t.Error("names are not normalized, or not counted in UTF-16 units")
	}
}

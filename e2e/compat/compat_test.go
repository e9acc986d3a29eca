package compat

import (
	"slices"
	"strings"
	"testing"
)

func page(table string) string { return "before\n" + first + table + last + "after\n" }

func TestWhatIsWrittenIsRead(t *testing.T) {
	rows := []Row{{"1.29.15", "1.14.7", "2026-11-29", "2 of 15 stories fail"}, {"1.36.3", "1.21.2", "–", "was not run"}}
	written, err := Replace(page("anything"), rows)
	if err != nil || !strings.HasPrefix(written, "before\n") || !strings.HasSuffix(written, "after\n") {
		t.Fatalf("%v: %s", err, written)
	}
	if read, err := Rows(written); err != nil || !slices.Equal(read, rows) {
		t.Errorf("read is %+v (%v), want %+v", read, err, rows)
	}
}

// With one pair run alone the other rows stay: one that is not understood would be written anew, without its result.
func TestARowThatSomebodyHasEditedIsNotLost(t *testing.T) {
	const row = "| 1.29.15 | 1.14.7 | 2026-11-29 | 15 stories pass |\n"
	for claim, table := range map[string]string{
		"columns that are aligned":      heading + "| 1.29.15    | 1.14.7       | 2026-11-29 | 15 stories pass |\n",
		"a note":                        heading + row + "\nOnly on amd64.\n",
		"a version with a v":            heading + "| v1.29.15 | 1.14.7 | 2026-11-29 | 15 stories pass |\n",
		"a column more":                 heading + "| 1.29.15 | 1.14.7 | 2026-11-29 | 15 stories pass | yes |\n",
		"another heading":               "| K8s | cert-manager | Last run | Result |\n| --- | --- | --- | --- |\n" + row,
		"what is left of a merge in it": heading + "<<<<<<< HEAD\n" + row + "=======\n" + row + ">>>>>>> main\n",
	} {
		t.Run(claim, func(t *testing.T) {
			if rows, err := Rows(page(table)); err == nil || !strings.Contains(err.Error(), "put it back as it was written") {
				t.Errorf("read is %+v: %v", rows, err)
			}
		})
	}
}

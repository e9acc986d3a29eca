package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// advisory is one that nobody has issued, about a module that the program is linked from.
const advisory = `{"schema_version": "1.3.1", "id": "GO-2026-9999", "modified": "2026-01-01T00:00:00Z",
	"published": "2026-01-01T00:00:00Z", "summary": "Made up", "details": "Made up.",
	"database_specific": {"url": "https://example.com/GO-2026-9999"},
	"affected": [{"package": {"name": "github.com/blang/semver/v4", "ecosystem": "Go"},
		"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.9.9"}]}],
		"ecosystem_specific": {"imports": [{"path": "github.com/blang/semver/v4", "symbols": [%q]}]}}]}`

// database is one with that advisory alone, in which the function is vulnerable.
func database(t *testing.T, function string) string {
	t.Helper()
	directory := t.TempDir()
	for name, content := range map[string]string{
		"index/db.json": `{"modified": "2026-01-01T00:00:00Z"}`,
		"index/modules.json": `[{"path": "github.com/blang/semver/v4",
			"vulns": [{"id": "GO-2026-9999", "modified": "2026-01-01T00:00:00Z", "fixed": "4.9.9"}]}]`,
		"index/vulns.json":     `[{"id": "GO-2026-9999", "modified": "2026-01-01T00:00:00Z"}]`,
		"ID/GO-2026-9999.json": fmt.Sprintf(advisory, function),
	} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func TestWhatIsReachedFails(t *testing.T) {
	for claim, c := range map[string]struct {
		function  string
		err, says string
	}{
		"a vulnerable function that is called":    {"Parse", "a vulnerable function is reached", "GO-2026-9999"},
		"a vulnerable function that nobody calls": {"ParseRange", "", "affected by 0 vulnerabilities"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			expect(t, check{database: "file://" + database(t, c.function), require: true}, c.err, c.says)
		})
	}
}

func TestADatabaseThatDoesNotAnswerIsTold(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(empty.Close)
	for claim, database := range map[string]string{"nobody listens": closed.URL, "no database there": empty.URL} {
		t.Run(claim, func(t *testing.T) {
			expect(t, check{database: database}, "", "NOT checked: the database does not answer")
			expect(t, check{database: database, require: true}, "NOT checked: the database does not answer", "")
		})
	}
	t.Run("a mirror that is not there fails in any case", func(t *testing.T) {
		expect(t, check{database: "file:///not/there"}, "no such file", "")
	})
}

// A mirror that was cut off in the middle has no vulnerabilities either.
func TestAMirrorWithNothingInItIsNoAllClear(t *testing.T) {
	for claim, c := range map[string]struct{ index, want string }{
		"an index without a module": {"[]", "this mirror of the database is empty"},
		"half an index":             {`[{"path": "git`, "this is no mirror of the database"},
		"no index":                  {"", "this is no mirror of the database"},
	} {
		t.Run(claim, func(t *testing.T) {
			directory := database(t, "Parse")
			modules := filepath.Join(directory, "index", "modules.json")
			err := os.WriteFile(modules, []byte(c.index), 0o600)
			if c.index == "" {
				err = os.Remove(modules)
			}
			if err != nil {
				t.Fatal(err)
			}
			expect(t, check{database: "file://" + directory}, c.want, "")
		})
	}
}

// expect checks the program of testdata, and what comes of it.
func expect(t *testing.T, c check, wanted, says string) {
	t.Helper()
	c.repository, c.programs = "testdata/program", []string{"."}
	var out bytes.Buffer
	err := c.run(t.Context(), &out)
	if (err == nil) != (wanted == "") || wanted != "" && !strings.Contains(err.Error(), wanted) {
		t.Errorf("%s: the error is %v, want %q:\n%s", c.database, err, wanted, &out)
	}
	if !strings.Contains(out.String(), says) || says == "" && out.Len() > 0 {
		t.Errorf("%s: it says %q, want %q", c.database, &out, says)
	}
}

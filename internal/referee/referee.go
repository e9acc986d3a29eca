// Package referee runs programs of others, which judge in tests what our own code reads and writes.
package referee

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program is the path of a referee. Without it nothing is proven, so that is a failure and not a reason to skip.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is the referee of this test and is not installed: apt-get install %s", name, debianPackage(name))
	}
	return path
}

// debianPackage is the package that has a program.
func debianPackage(program string) string {
	if program == "xmllint" {
		return "libxml2-utils"
	}
	return program
}

// Run lets a referee judge. It returns all that the referee has written, and an error unless it agrees.
func Run(t testing.TB, name string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), Program(t, name), arguments...) //nolint:gosec // tests say what to run
	output, err := command.CombinedOutput()
	return string(output), err
}

// Validate lets xmllint judge a document by a schema, which is the path of a file.
func Validate(t testing.TB, schema string, document []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(path, document, 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := Run(t, "xmllint", "--noout", "--nonet", "--schema", schema, path)
	if err != nil {
		return fmt.Errorf("xmllint: %w\n%s\n%s", err, output, document)
	}
	return nil
}

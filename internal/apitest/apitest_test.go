package apitest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/apitest"
)

// otherVariable tells the test binary that it is run by a test, as that of a package whose tests need the server.
const otherVariable = "APITEST_OTHER_PACKAGE"

var server *apitest.Server

func TestMain(m *testing.M) {
	if os.Getenv(otherVariable) != "" {
		os.Exit(apitest.Main(m, &server))
	}
	os.Exit(m.Run())
}

// TestOfAnotherPackage fails wherever it runs, because nobody has started a server.
func TestOfAnotherPackage(t *testing.T) {
	if os.Getenv(otherVariable) == "" {
		t.Skip("it is run by another test, in a process of its own")
	}
	t.Fatalf("the test has run, with the server %v", server)
}

func TestWithoutAnAPIServer(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		environment []string
		exit        int
		says        []string
	}{
		"tests are skipped, with the command that provides one": {
			exit: 0, says: []string{"`make integration`", "no tests to run"},
		},
		"tests fail where one is required": {
			environment: []string{apitest.RequireVariable + "=1"},
			exit:        1, says: []string{"KUBEBUILDER_ASSETS does not say where", "`make integration`"},
		},
		"tests fail where it was named and is not there": {
			environment: []string{"KUBEBUILDER_ASSETS=" + t.TempDir()},
			exit:        1, says: []string{"start an API server", "`make integration`"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOfAnotherPackage$")
			other.Env = append(os.Environ(), otherVariable+"=1", "KUBEBUILDER_ASSETS=", apitest.RequireVariable+"=")
			other.Env = append(other.Env, c.environment...)
			output, err := other.CombinedOutput()
			if got := other.ProcessState.ExitCode(); got != c.exit {
				t.Errorf("it exits with %d (%v)", got, err)
			}
			for _, text := range c.says {
				if !strings.Contains(string(output), text) {
					t.Errorf("it does not say %q, but:\n%s", text, output)
				}
			}
			if strings.Contains(string(output), "the test has run") {
				t.Errorf("a test has run: %s", output)
			}
		})
	}
}

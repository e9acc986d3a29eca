// Compat runs the core of the user stories with the oldest and the newest versions of Kubernetes and cert-manager, and
// writes what came of it into the table of docs/operations/install.md.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/compat"
)

// core are the stories that show, on any cluster, what the product is for.
var core = []string{
	// The first certificate, and what is refused by the API server or before anything is sent.
	"TestTheSampleManifestsBringTheFirstCertificate", "TestAClusterIssuerServesANamespaceThatHasCredentialsOnly",
	"TestACertificateThatCanNeverWorkFailsBeforeAnythingIsSent", "TestADeniedRequestEndsWithoutAnythingSent",
	"TestAnIssuerThatCannotWorkSaysWhatToChangeAndSpendsNothing",
	// Renewal.
	"TestARenewalGetsANewKeyOrKeepsItAsTheRotationPolicySays", "TestKeystoresAndOutputFormatsAreRenewedWithTheCertificate",
	"TestAClusterIssuerRenewsInEachNamespaceWithTheCertificateOfThatNamespace",
	// Adoption.
	"TestACertificateInAPKCS12FileIsAdoptedAsTheHowToSays", "TestAnAdoptionCanBeRehearsed",
	"TestACertificateWithoutIntermediatesIsAdoptedFromASecretWithoutAnnotations",
	// Restart.
	"TestAControllerThatStopsRecordsARunningCallAndAfterwardsFetchesWhatWasAccepted",
	"TestARestartForgetsNeitherARenewalInFlightNorTheDateOfAWindow",
	// Suomi.fi Messages.
	"TestAPasswordRotatesByItself",
	// Certificates that a person fetches.
	"TestAPersonFetchesACertificateAndItsRenewals", "TestAPersonFetchesACertificateWithThePlugin",
}

func main() {
	only := flag.String("only", "", "run `KUBERNETES,CERT-MANAGER` alone, versions as in the table; left out, every pair")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

// run runs every pair, also after one has failed, or only one, and writes the table.
func run(ctx context.Context, only string) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	page := filepath.Join(root, compat.Page)
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	earlier, err := compat.Rows(string(content))
	if err != nil {
		return err
	}
	var rows []compat.Row
	var failures []error
	ran := false
	for _, pair := range compat.Pairs() {
		row, err := compat.NewRow(pair)
		if err != nil {
			return err
		}
		if only != "" && only != row.Pair() {
			rows = append(rows, compat.Earlier(earlier, row))
			continue
		}
		ran = true
		fmt.Printf("Kubernetes %s with cert-manager %s\n", row.Kubernetes, row.CertManager)
		row.Date = time.Now().UTC().Format(time.DateOnly)
		row.Result, err = runStories(ctx, root, pair)
		if ctx.Err() != nil {
			return context.Cause(ctx) // The table stays as it is.
		}
		fmt.Println("  " + row.Result)
		if err != nil {
			failures = append(failures,
				fmt.Errorf("with Kubernetes %s and cert-manager %s: %w", row.Kubernetes, row.CertManager, err))
		}
		rows = append(rows, row)
	}
	if !ran {
		return fmt.Errorf("ONLY=%s is none of the pairs in the table of %s: %s", only, compat.Page, pairsOf(rows))
	}
	return errors.Join(append(failures, writeTable(page, rows))...)
}

// pairsOf are the pairs of rows, as -only takes them.
func pairsOf(rows []compat.Row) string {
	pairs := make([]string, 0, len(rows))
	for _, row := range rows {
		pairs = append(pairs, row.Pair())
	}
	return strings.Join(pairs, " ")
}

func writeTable(page string, rows []compat.Row) error {
	content, err := os.ReadFile(page) // anew: an hour has passed
	if err != nil {
		return err
	}
	written, err := compat.Replace(string(content), rows)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(written), 0o600)
}

// runStories runs the stories with a pair, and says in words what came of it. The error says what has failed.
func runStories(ctx context.Context, root string, pair binaries.Pins) (string, error) {
	const unfinished = "the run failed"
	if _, err := binaries.Ensure(ctx, binaries.Options{Pins: pair, Log: os.Stderr}); err != nil {
		return unfinished, err
	}
	command := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=60m",
		"-run=^("+strings.Join(core, "|")+")$", "./stories")
	command.Dir, command.Env = filepath.Join(root, "e2e"), pair.Environ()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = time.Minute // The stories stop what they have started.
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return unfinished, err
	}
	ends := follow(output, os.Stdout)
	failure := command.Wait()
	// One that was skipped, or is not there any more, has not passed either.
	failed := slices.DeleteFunc(slices.Clone(core), func(story string) bool { return ends[story] == "pass" })
	switch {
	case len(failed) > 0:
		return fmt.Sprintf("%d of %d stories fail", len(failed), len(core)),
			errors.Join(failure, fmt.Errorf("these did not pass: %s", strings.Join(failed, ", ")))
	case failure != nil: // What is checked after the stories.
		return unfinished, failure
	}
	return fmt.Sprintf("%d stories pass", len(core)), nil
}

// follow reads what the stories print, in the words of `go doc test2json`. It says of each as soon as it ends how it
// has, with all that it has told if it failed, and returns that.
func follow(output io.Reader, log io.Writer) map[string]string {
	ends, told := map[string]string{}, map[string]*strings.Builder{}
	for decoder := json.NewDecoder(output); ; {
		var event struct { //nolint:tagliatelle // The names are those of test2json.
			Action  string  `json:"Action"`
			Test    string  `json:"Test"`
			Output  string  `json:"Output"`
			Elapsed float64 `json:"Elapsed"`
		}
		if err := decoder.Decode(&event); err != nil {
			_, _ = io.Copy(io.Discard, output) // Whoever writes is not to wait.
			return ends
		}
		switch event.Action {
		case "output":
			if told[event.Test] == nil {
				told[event.Test] = &strings.Builder{}
			}
			told[event.Test].WriteString(event.Output)
		case "pass", "fail", "skip":
			ends[event.Test] = event.Action
			fmt.Fprintf(log, "  %s %s (%.0f s)\n", event.Action, cmp.Or(event.Test, "all"), event.Elapsed)
			if text := told[event.Test]; event.Action == "fail" && text != nil {
				fmt.Fprintln(log, text)
			}
			delete(told, event.Test)
		}
	}
}

// Command vulncheck asks the Go vulnerability database about programs, by govulncheck: a finding is an error where the
// program can reach the function that is vulnerable. A database that does not answer is told in one line, and is an
// error only where -require says so: a laptop without the internet can lint, and what lands has been checked.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/vuln/scan"
)

// databaseTimeout bounds the wait for the first answer of the database.
const databaseTimeout = 10 * time.Second

// affected is how govulncheck exits when a vulnerable function is reached.
const affected = 3

// check is what is checked, and against what.
type check struct {
	repository string
	database   string // an address, or file:// and the path of a mirror
	require    bool   // whether a database that does not answer is an error
	programs   []string
}

func main() {
	var c check
	flag.StringVar(&c.repository, "repository", ".", "`directory` of the module of the programs")
	flag.StringVar(&c.database, "db", "https://vuln.go.dev", "`URL` of the vulnerability database")
	flag.BoolVar(&c.require, "require", false, "fail where the database does not answer")
	flag.Parse()
	c.programs = flag.Args()
	if err := c.run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vulncheck:", err)
		os.Exit(1)
	}
}

func (c check) run(ctx context.Context, out io.Writer) error {
	if err := c.reach(ctx); err != nil {
		if c.require {
			return fmt.Errorf("known vulnerabilities were NOT checked: %w", err)
		}
		fmt.Fprintf(out, "known vulnerabilities were NOT checked: %v; "+
			"run 'make vulncheck' where it answers, or with VULNDB=file:///the/path/of/a/mirror\n", err)
		return nil
	}
	if err := c.read(); err != nil {
		return fmt.Errorf("known vulnerabilities were NOT checked: %w", err)
	}
	return c.scan(ctx, out)
}

// read looks whether a mirror names any module: govulncheck finds nothing in an empty directory, and says so as if all
// were well.
func (c check) read() error {
	directory, isMirror := strings.CutPrefix(c.database, "file://")
	if !isMirror {
		return nil
	}
	path := filepath.Join(filepath.FromSlash(directory), "index", "modules.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("this is no mirror of the database: %w", err)
	}
	var modules []struct{}
	if err := json.Unmarshal(content, &modules); err != nil {
		return fmt.Errorf("this is no mirror of the database: %s: %w", path, err)
	}
	if len(modules) == 0 {
		return fmt.Errorf("this mirror of the database is empty: %s", path)
	}
	return nil
}

// reach asks a database on a network for what govulncheck asks it first.
func (c check) reach(ctx context.Context) error {
	if !strings.HasPrefix(c.database, "http") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.database+"/index/modules.json.gz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the database does not answer: %s: %s", request.URL, response.Status)
	}
	return nil
}

// scan looks at the programs as they are released: for Linux, without cgo.
func (c check) scan(ctx context.Context, out io.Writer) error {
	command := scan.Command(ctx, append([]string{"-C", c.repository, "-db", c.database}, c.programs...)...)
	command.Stdout, command.Stderr = out, out
	command.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOWORK=off")
	if err := command.Start(); err != nil {
		return err
	}
	err := command.Wait()
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == affected {
		return errors.New("a vulnerable function is reached; raise the module or Go to the version that is fixed")
	}
	return err
}

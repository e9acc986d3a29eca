// Command dependencies weighs the modules that the program and the plugin of kubectl are linked from, and writes the
// figures into docs/dependencies.md, heaviest first. Why each of them is there a person writes into that page, where
// it stays.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// page is the page in the repository.
const page = "docs/dependencies.md"

func main() {
	repository := flag.String("repository", ".", "`directory` of the program")
	flag.Parse()
	if err := run(context.Background(), *repository); err != nil {
		fmt.Fprintln(os.Stderr, "dependencies:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, repository string) error {
	program, err := weigh(ctx, repository, ".")
	if err != nil {
		return err
	}
	plugin, err := weigh(ctx, repository, "./cmd/kubectl-varmenne")
	if err != nil {
		return err
	}
	path := filepath.Join(repository, page)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(written(string(content), program, plugin)), 0o644)
}

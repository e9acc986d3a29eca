package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// systems are those that a program is released for, the one that it is weighed on first.
var systems = map[string][]string{".": {"linux"}, "./cmd/kubectl-varmenne": {"linux", "darwin", "windows"}}

// weights are the bytes of code and data of each module that a program is linked from, on any of its systems.
type weights struct {
	modules map[string]int
	file    int64 // of the whole, stripped as it is released
}

// weigh builds a program, for linux/amd64, and counts.
func weigh(ctx context.Context, repository, program string) (weights, error) {
	w := weights{modules: map[string]int{}}
	linked, err := modules(ctx, repository, program)
	if err != nil {
		return w, err
	}
	for _, module := range linked {
		w.modules[module] = 0
	}
	directory, err := os.MkdirTemp("", "dependencies-")
	if err != nil {
		return w, err
	}
	defer os.RemoveAll(directory)
	full, stripped := filepath.Join(directory, "full"), filepath.Join(directory, "stripped")
	for file, flags := range map[string]string{full: "", stripped: "-s -w"} {
		if _, err := goCommand(ctx, repository, "linux",
			"build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", file, program); err != nil {
			return w, err
		}
	}
	info, err := os.Stat(stripped)
	if err != nil {
		return w, err
	}
	w.file = info.Size()
	symbols, err := goCommand(ctx, repository, "linux", "tool", "nm", "-size", full)
	if err != nil {
		return w, err
	}
	w.add(symbols)
	return w, nil
}

// modules are those of a program on all of its systems, but for its own.
func modules(ctx context.Context, repository, program string) ([]string, error) {
	found := map[string]bool{}
	for _, system := range systems[program] {
		listed, err := goCommand(ctx, repository, system, "list", "-deps",
			"-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", program)
		if err != nil {
			return nil, err
		}
		for module := range strings.FieldsSeq(string(listed)) {
			found[module] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func goCommand(ctx context.Context, repository, system string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = repository
	command.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", arguments[0], err)
	}
	return output, nil
}

// inFile are the kinds of symbols that are in the file: code, constants, data. The others are there by their size only.
var inFile = []string{"T", "t", "R", "r", "D", "d"}

// add adds symbols as `go tool nm -size` lists them: address, size, kind, name.
func (w *weights) add(symbols []byte) {
	lines := bufio.NewScanner(bytes.NewReader(symbols))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !slices.Contains(inFile, fields[2]) {
			continue
		}
		size, err := strconv.Atoi(fields[1])
		if module := w.moduleOf(fields[3]); err == nil && module != "" {
			w.modules[module] += size
		}
	}
}

// moduleOf is the module of the package that a symbol is of; none for those of Go itself, and of ours.
func (w *weights) moduleOf(symbol string) string {
	for _, prefix := range []string{"type:.eq.", "type:.hash.", "go:itab."} {
		symbol = strings.TrimPrefix(symbol, prefix)
	}
	if end := strings.IndexAny(symbol, "[(,"); end >= 0 {
		symbol = symbol[:end]
	}
	slash := strings.LastIndex(symbol, "/") + 1
	last, _, _ := strings.Cut(symbol[slash:], ".")
	path := strings.ReplaceAll(symbol[:slash]+last, "%2e", ".")
	for path != "" {
		if _, is := w.modules[path]; is {
			return path
		}
		path = path[:max(strings.LastIndex(path, "/"), 0)]
	}
	return ""
}

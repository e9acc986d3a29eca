package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// permissive are the licenses that ask for no more than to be shown.
var permissive = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "0BSD", "Unlicense", "Zlib"}

// covered is how much of a license file has to be known text, in percent. Below it something else is in it.
const covered = 75

// standardLibrary is what the modules do not name.
const standardLibrary = "the standard library of Go"

var (
	// isLicense and isNotice tell the files that matter by their names.
	isLicense = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([._-].*)?$`)
	isNotice  = regexp.MustCompile(`(?i)^(notice|patents)([._-].*)?$`)
)

// module is one that the program is linked from.
type module struct {
	path, version string
	directory     string
	files         []licenseFile
}

// licenseFile is a license or a notice, in the module or beside one of the linked packages.
type licenseFile struct {
	name    string
	content []byte
	// ids are the licenses in it; none for a notice.
	ids []string
	// known is how much of it is text of those, in percent.
	known float64
}

// listed is what is read of `go list`.
type listed struct {
	Dir      string `json:"Dir"`
	Standard bool   `json:"Standard"`
	Module   *struct {
		Path    string `json:"Path"`
		Version string `json:"Version"`
		Dir     string `json:"Dir"`
		Main    bool   `json:"Main"`
	} `json:"Module"`
}

// build is a program, and what it is linked for.
type build struct{ platform, program string }

// released are all builds: the image is for Linux alone, and the set is the same on its two architectures; the plugin
// is for other systems as well, and links other modules there.
var released = []build{
	{"linux/amd64", "."}, {"linux/amd64", "./cmd/kubectl-varmenne"}, {"darwin/amd64", "./cmd/kubectl-varmenne"},
	{"windows/amd64", "./cmd/kubectl-varmenne"},
}

// linkedModules asks the go command what builds are linked from.
func linkedModules(ctx context.Context, repository string, builds []build) ([]*module, error) {
	byPath := map[string]*module{}
	for _, build := range builds {
		system, architecture, ok := strings.Cut(build.platform, "/")
		if !ok {
			return nil, fmt.Errorf("the platform %q is none: write it as linux/amd64", build.platform)
		}
		command := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,Module", build.program)
		command.Dir = repository
		command.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0", "GOWORK=off")
		command.Stderr = os.Stderr
		output, err := command.Output()
		if err != nil {
			return nil, err
		}
		if err := collect(json.NewDecoder(bytes.NewReader(output)), byPath); err != nil {
			return nil, err
		}
	}
	library, err := goItself(ctx)
	if err != nil {
		return nil, err
	}
	found := append(slices.Collect(maps.Values(byPath)), library)
	slices.SortFunc(found, func(one, other *module) int { return strings.Compare(one.path, other.path) })
	return found, nil
}

// collect adds the modules of packages.
func collect(packages *json.Decoder, byPath map[string]*module) error {
	for {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		linked, known := byPath[p.Module.Path]
		if !known {
			linked = &module{path: p.Module.Path, version: p.Module.Version, directory: p.Module.Dir}
			byPath[p.Module.Path] = linked
		}
		if err := linked.addFiles(p.Dir); err != nil {
			return err
		}
	}
}

// goItself is the standard library. Its version is that of whoever builds, so it is not told.
func goItself(ctx context.Context) (*module, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	library := &module{path: standardLibrary, version: "as built", directory: strings.TrimSpace(string(root))}
	return library, library.addFiles(library.directory)
}

// addFiles adds the licenses and notices of a directory of the module, and of those above it.
func (m *module) addFiles(directory string) error {
	for {
		entries, err := os.ReadDir(directory)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := m.addFile(directory, entry); err != nil {
				return err
			}
		}
		if directory == m.directory || !strings.HasPrefix(directory, m.directory) {
			return nil
		}
		directory = filepath.Dir(directory)
	}
}

func (m *module) addFile(directory string, entry os.DirEntry) error {
	license := isLicense.MatchString(entry.Name()) && filepath.Ext(entry.Name()) != ".go"
	if entry.IsDir() || (!license && !isNotice.MatchString(entry.Name())) {
		return nil
	}
	path := filepath.Join(directory, entry.Name())
	name, err := filepath.Rel(m.directory, path)
	if err != nil || slices.ContainsFunc(m.files, func(file licenseFile) bool { return file.name == name }) {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file := licenseFile{name: filepath.ToSlash(name), content: content}
	if license {
		coverage := licensecheck.Scan(content)
		file.known = coverage.Percent
		for _, match := range coverage.Match {
			if !slices.Contains(file.ids, match.ID) {
				file.ids = append(file.ids, match.ID)
			}
		}
	}
	m.files = append(m.files, file)
	slices.SortFunc(m.files, func(one, other licenseFile) int { return strings.Compare(one.name, other.name) })
	return nil
}

// licenses are those of the module and of what it has taken over from others.
func (m *module) licenses() []string {
	var ids []string
	for _, file := range m.files {
		for _, id := range file.ids {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// check refuses a module without a license, and any license that is not permissive or not known as a whole.
func (m *module) check() error {
	ids := m.licenses()
	if len(ids) == 0 {
		return fmt.Errorf("%s %s has no license that is known", m.path, m.version)
	}
	for _, id := range ids {
		if !slices.Contains(permissive, id) {
			return fmt.Errorf("%s %s is under %s, which is not permissive", m.path, m.version, id)
		}
	}
	for _, file := range m.files {
		if len(file.ids) > 0 && file.known < covered {
			return fmt.Errorf("%s %s: only %.0f %% of %s is the text of a known license",
				m.path, m.version, file.known, file.name)
		}
		if isLicense.MatchString(filepath.Base(file.name)) && len(file.ids) == 0 {
			return fmt.Errorf("%s %s: %s is no license that is known", m.path, m.version, file.name)
		}
	}
	return nil
}

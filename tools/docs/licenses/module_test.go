package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two licenses, as they stand in the files of modules.
const (
	mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`
	copyleft = `This program is free software: you can redistribute it and/or modify it under the terms of the GNU General
Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any
later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied
warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License for more details.

You should have received a copy of the GNU General Public License along with this program. If not, see
<https://www.gnu.org/licenses/>.
`
)

func TestOnlyPermissiveLicensesPass(t *testing.T) {
	for claim, c := range map[string]struct {
		files map[string]string
		want  string // empty: it passes
	}{
		"a permissive one": {map[string]string{"LICENSE": mit}, ""},
		"with a notice":    {map[string]string{"LICENSE": mit, "NOTICE": "Made by somebody."}, ""},
		"none":             {map[string]string{"README.md": mit}, "has no license"},
		"a copyleft one":   {map[string]string{"COPYING": copyleft}, "not permissive"},
		"a copyleft one beside a package": {
			map[string]string{"LICENSE": mit, "inside/LICENSE.txt": copyleft}, "not permissive"},
		"something that nobody knows": {map[string]string{"LICENSE": "Ask me first."}, "has no license"},
		"a permissive one with more": {
			map[string]string{"LICENSE": mit + strings.Repeat("But ask me first. ", 100)}, "only"},
		"unknown beside a permissive one": {
			map[string]string{"LICENSE": mit, "inside/LICENSE": "Ask me first."}, "no license that is known"},
	} {
		t.Run(claim, func(t *testing.T) {
			directory := t.TempDir()
			if err := os.MkdirAll(filepath.Join(directory, "inside"), 0o700); err != nil {
				t.Fatal(err)
			}
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m := &module{path: "example.com/module", version: "v1.0.0", directory: directory}
			if err := m.addFiles(filepath.Join(directory, "inside")); err != nil {
				t.Fatal(err)
			}
			switch err := m.check(); {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestWhatIsLinkedIsTold(t *testing.T) {
	linked, err := linkedModules(t.Context(), "../../..", released)
	if err != nil {
		t.Fatal(err)
	}
	page, texts := pageOf(linked), textsOf(linked)
	for _, module := range []string{"github.com/cert-manager/cert-manager", "k8s.io/client-go", standardLibrary,
		"github.com/inconshreveable/mousetrap", // on Windows alone
	} {
		if !strings.Contains(page, "| "+module+" |") || !strings.Contains(texts, "\n"+module+" ") {
			t.Errorf("%s is not told", module)
		}
	}
	if strings.Contains(page, "golangci") || strings.Contains(page, "envtest") {
		t.Error("what is not linked is told")
	}
}

// TestThePluginTellsWhatItIsLinkedFrom for its platform.
func TestThePluginTellsWhatItIsLinkedFrom(t *testing.T) {
	const mousetrap = "\ngithub.com/inconshreveable/mousetrap "
	for platform, wanted := range map[string]bool{"linux/arm64": false, "windows/amd64": true} {
		linked, err := linkedModules(t.Context(), "../../..", []build{{platform, "./cmd/kubectl-varmenne"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range linked {
			if err := module.check(); err != nil {
				t.Errorf("%s: %v", platform, err)
			}
		}
		if strings.Contains(textsOf(linked), mousetrap) != wanted {
			t.Errorf("%s: mousetrap, which is for Windows alone, is told: %v", platform, !wanted)
		}
	}
	if _, err := linkedModules(t.Context(), ".", []build{{platform: "linux"}}); err == nil {
		t.Error("half a platform passes")
	}
}

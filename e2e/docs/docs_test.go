package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ofTheSimulator is what the sample issuer trusts with a simulator only: no public authority issued its certificate.
var ofTheSimulator = regexp.MustCompile(`(?m)^    # With the simulator only\..*\n    tls:\n.*\n`)

// TestThePagesShowTheSamplesAsTheyAre: but for what is the simulator's, because the pages are about the service.
func TestThePagesShowTheSamplesAsTheyAre(t *testing.T) {
	if !ofTheSimulator.MatchString(read(t, "docs", "samples", "issuer.yaml")) {
		t.Error("the sample issuer has nothing of the simulator")
	}
	for _, page := range []string{"README.md", startPage} {
		for _, sample := range []string{"issuer.yaml", "certificate.yaml"} {
			want := ofTheSimulator.ReplaceAllString(read(t, "docs", "samples", sample), "")
			if !strings.Contains(read(t, page), "```yaml\n"+want+"```\n") {
				t.Errorf("%s does not show docs/samples/%s as it is", page, sample)
			}
		}
	}
	for page, samples := range map[string][]string{
		manualPage:   {"manual/issuer.yaml", "manual/certificate.yaml", "manual/authority.yaml"},
		trackedPage:  {"tracked/stamp.yaml", "tracked/via.yaml"},
		passwordPage: {"messages/password.yaml", "messages/application.yaml"},
	} {
		for _, sample := range samples {
			if !strings.Contains(read(t, page), "```yaml\n"+read(t, "docs", "samples", sample)+"```\n") {
				t.Errorf("%s does not show docs/samples/%s as it is", page, sample)
			}
		}
	}
}

// links are those in the text, and those in the references at the end of a page.
var links = regexp.MustCompile(`(?m)\]\(([^)#]*)(#[^)]+)?\)|^\[[^]]+\]: (\S+)$`)

// code is not a link, whatever it looks like.
var code = regexp.MustCompile("`[^`\n]+`")

func TestEveryLinkToAFileLeadsSomewhere(t *testing.T) {
	root, checked := repository(t), 0
	for page, content := range pages(t) {
		for _, match := range links.FindAllStringSubmatch(code.ReplaceAllString(prose(content), "code"), -1) {
			path, anchor := match[1], match[2]
			if match[3] != "" {
				path, anchor, _ = strings.Cut(match[3], "#")
			}
			if strings.Contains(path, "://") {
				continue
			}
			checked++
			target := page
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, path)
			} else if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s of %s, which has no such heading", page, anchor, target)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d links were found", checked)
	}
}

// anchors are what links to the headings of a page end with. The second heading of a name gets a number.
func anchors(page string) []string {
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	lost := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	headings := heading.FindAllStringSubmatch(prose(page), -1)
	found, seen := make([]string, 0, len(headings)), map[string]int{}
	for _, match := range headings {
		name := strings.ReplaceAll(lost.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")
		anchor := "#" + name
		if seen[name] > 0 {
			anchor += "-" + strconv.Itoa(seen[name])
		}
		seen[name]++
		found = append(found, anchor)
	}
	return found
}

// TestThereIsAWayToEveryPage: a page that nobody links to is read by nobody.
func TestThereIsAWayToEveryPage(t *testing.T) {
	all := pages(t)
	reached := map[string]bool{"README.md": true, "CONTRIBUTING.md": true}
	for page, content := range all {
		for _, match := range links.FindAllStringSubmatch(prose(content), -1) {
			if target := filepath.ToSlash(filepath.Join(filepath.Dir(page), match[1])); match[1] != "" && target != page {
				reached[target] = true
			}
		}
	}
	for page := range all {
		if !reached[page] && !reached[filepath.ToSlash(filepath.Dir(page))] {
			t.Errorf("no page links to %s", page)
		}
	}
}

// TestTheFirstChangesCanBeMade: the files and tests exist that newcomers are sent to.
func TestTheFirstChangesCanBeMade(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## Your first change in ten minutes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	path := regexp.MustCompile("[` ](?:\\./)?((?:api|charts|docs|e2e|internal)/[a-z0-9_./-]+)")
	paths := path.FindAllStringSubmatch(section, -1)
	for _, match := range paths {
		if _, err := os.Stat(filepath.Join(repository(t), match[1])); err != nil {
			t.Error(err)
		}
	}
	tests := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(section, -1)
	for _, name := range tests {
		grep := exec.CommandContext(t.Context(), "grep", "-rq", "--include=*_test.go", "^func "+name, "internal", "e2e")
		grep.Dir = repository(t)
		if err := grep.Run(); err != nil {
			t.Errorf("there is no test %s: %v", name, err)
		}
	}
	if len(paths) < 10 || len(tests) < 3 {
		t.Errorf("only %d paths and %d tests were found", len(paths), len(tests))
	}
}

// TestThePageOfFlagsHasWhatTheProgramPrints compares it with --help.
func TestThePageOfFlagsHasWhatTheProgramPrints(t *testing.T) {
	page := read(t, flagsPage)
	flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
	for _, command := range []string{"controller", "messages", "simulator", "healthcheck", "scale-down"} {
		_, section, found := strings.Cut(page, "\n## "+command+"\n")
		if !found {
			t.Errorf("%s has no section about %s", flagsPage, command)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		help := exec.CommandContext(t.Context(), "go", "run", ".", command, "--help")
		help.Dir = repository(t)
		help.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		printed, err := help.CombinedOutput()
		flags := flag.FindAllStringSubmatch(string(printed), -1)
		if err != nil || len(flags) == 0 {
			t.Errorf("%s --help: %v: %s", command, err, printed)
		}
		for _, match := range flags {
			if match[1] != "version" && !strings.Contains(section, "`--"+match[1]) {
				t.Errorf("%s does not tell of --%s of %s", flagsPage, match[1], command)
			}
		}
		if rows := strings.Count(section, "\n| `--"); rows != len(flags)-1 {
			t.Errorf("%s tells of %d flags of %s, which has %d", flagsPage, rows, command, len(flags)-1)
		}
	}
}

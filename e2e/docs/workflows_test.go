package docs

import (
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// workflow is what a workflow of GitHub may do, and does.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		Permissions map[string]string `json:"permissions"`
		Steps       []struct {
			Uses string `json:"uses"`
			Run  string `json:"run"`
			With struct {
				PersistCredentials *bool  `json:"persist-credentials"`
				GoVersion          string `json:"go-version"`
			} `json:"with"`
		} `json:"steps"`
	} `json:"jobs"`
}

// workflows are those of GitHub, by their file.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	paths := must.Get(filepath.Glob(filepath.Join(repository(t), ".github", "workflows", "*.yml")))(t)
	found := map[string]workflow{}
	for _, path := range paths {
		var w workflow
		must.Do(t, yaml.Unmarshal([]byte(read(t, ".github", "workflows", filepath.Base(path))), &w))
		found[filepath.Base(path)] = w
	}
	if len(found) < 2 {
		t.Fatalf("found %d workflows", len(found))
	}
	return found
}

func TestWorkflowsRunTargetsThatExist(t *testing.T) {
	makefile, targets := read(t, "Makefile"), regexp.MustCompile(`(?m)\bmake ([a-z -]+)`)
	for file, w := range workflows(t) {
		made := 0
		for _, job := range w.Jobs {
			for _, step := range job.Steps {
				for _, match := range targets.FindAllStringSubmatch(step.Run, -1) {
					for target := range strings.FieldsSeq(match[1]) {
						made++
						if !strings.Contains(makefile, "\n"+target+":") {
							t.Errorf("%s: there is no target %s", file, target)
						}
					}
				}
			}
		}
		if made == 0 {
			t.Errorf("%s makes nothing", file)
		}
	}
}

// TestWorkflowsMayOnlyRead, and run no action but GitHub's own. No token is left in the checkout, nor in its origin.
func TestWorkflowsMayOnlyRead(t *testing.T) {
	action, reading := regexp.MustCompile(`^actions/[a-z-]+@(v\d+|[0-9a-f]{40})$`), map[string]string{"contents": "read"}
	for file, w := range workflows(t) {
		if !maps.Equal(w.Permissions, reading) {
			t.Errorf("%s has the permissions %v, want %v", file, w.Permissions, reading)
		}
		for name, job := range w.Jobs {
			if job.Permissions != nil {
				t.Errorf("%s: the job %s has permissions of its own: %v", file, name, job.Permissions)
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !action.MatchString(step.Uses) {
					t.Errorf("%s: %s is not one of GitHub's actions with a tag or a digest", file, step.Uses)
				}
				kept := step.With.PersistCredentials == nil || *step.With.PersistCredentials
				if kept && strings.HasPrefix(step.Uses, "actions/checkout@") {
					t.Errorf("%s: the job %s leaves a token in the checkout", file, name)
				}
			}
		}
	}
}

// TestWorkflowsBuildWithTheNewestPatchOfOurGo: go.mod says the oldest one that will do.
func TestWorkflowsBuildWithTheNewestPatchOfOurGo(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	for file, w := range workflows(t) {
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				if got := step.With.GoVersion; strings.HasPrefix(step.Uses, "actions/setup-go@") && got != version[1]+".x" {
					t.Errorf("%s: the job %s builds with Go %q, and go.mod is of %s", file, name, got, version[1])
				}
			}
		}
	}
}

package monitoring_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/alerts"
)

// page explains the alerts.
var page = filepath.Join(root, "docs", "monitoring.md")

// TestCommandsThatAreShownWork runs those of the page, and those of the alerts that the scenarios lead to. There are no
// Pods in this cluster: about them kubectl has nothing to say, but understands the question.
func TestCommandsThatAreShownWork(t *testing.T) {
	commands := append(commandsOfThePage(t), commandsOfAlerts(t)...)
	const fewest = 15
	if len(commands) < fewest {
		t.Errorf("only %d were found: %v", len(commands), commands)
	}
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			kubectl := exec.CommandContext(t.Context(), shared.Get(t).Cluster.Kubectl(), strings.Fields(command)[1:]...)
			kubectl.Env = []string{"KUBECONFIG=" + shared.Get(t).Cluster.KubeconfigPath(), "HOME=" + t.TempDir()}
			if output, err := kubectl.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, output)
			}
		})
	}
}

func commandsOfThePage(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile("`kubectl [^`]+`").FindAllString(string(content), -1)
	for i := range commands {
		commands[i] = strings.Trim(commands[i], "`")
	}
	return commands
}

func commandsOfAlerts(t *testing.T) []string {
	t.Helper()
	recorded := shared.Get(t).recording
	all, err := alerts.Load(root, recorded.Engine, recorded.DB)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, alert := range all {
		if _, err := alert.Firing(t.Context(), recorded.End); err != nil {
			t.Fatal(err)
		}
		for _, active := range alert.ActiveAlerts() {
			if _, command, found := strings.Cut(active.Annotations.Get("description"), ": kubectl "); found {
				commands = append(commands, "kubectl "+command)
			}
		}
	}
	return commands
}

package docs

import (
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestThePagesMakeTheImageThatTheChartAsksFor: with another tag, whoever follows the first steps waits for an image
// that nobody has.
func TestThePagesMakeTheImageThatTheChartAsksFor(t *testing.T) {
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "charts", "varmenne-issuer", "Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`make image VERSION=(\S+)|docker://\S+/varmenne-issuer:(\S+)`)
	seen := 0
	for page, content := range pages(t) {
		for _, match := range version.FindAllStringSubmatch(content, -1) {
			seen++
			if shown := match[1] + match[2]; shown != chart.AppVersion {
				t.Errorf("%s makes the image of version %s, and the chart asks for %s", page, shown, chart.AppVersion)
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d versions were found", seen)
	}
}

package docs

import (
	"regexp"
	"strings"
	"testing"
)

// TestEveryMetricThatIsNamedExists looks for the names in the sources: many series appear only when something happens.
func TestEveryMetricThatIsNamedExists(t *testing.T) {
	sources := sourceOf(t, "internal/metrics", "internal/app")
	named := regexp.MustCompile(`\bvarmenne_[a-z_]*[a-z]\b`)
	seen := 0
	for page, content := range pages(t) {
		for _, name := range named.FindAllString(content, -1) {
			seen++
			plain := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				plain = strings.TrimSuffix(plain, suffix)
			}
			if !strings.Contains(sources, `"`+name+`"`) && !strings.Contains(sources, `"`+plain+`"`) {
				t.Errorf("%s names the metric %s, which does not exist", page, name)
			}
		}
	}
	if seen == 0 {
		t.Error("no page names a metric")
	}
}

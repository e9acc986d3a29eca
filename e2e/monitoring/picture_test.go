package monitoring_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/dashboard"
	"github.com/varmenne/varmenne-issuer/e2e/monitoring/picture"
)

// pictureFile is the picture in the documentation.
var pictureFile = filepath.Join(root, "docs", "images", "dashboard.svg")

// TestThePictureIsOfTheDashboard draws one, and compares only what the one in the documentation was drawn from: no two
// recordings are the same.
func TestThePictureIsOfTheDashboard(t *testing.T) {
	board, content, err := dashboard.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := picture.Draw(t.Context(), board, content, theRecording(t))
	if err != nil {
		t.Fatal(err)
	}
	shows(t, drawn, board)
	if *update {
		if err := os.WriteFile(pictureFile, []byte(drawn), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	documented, err := os.ReadFile(pictureFile)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(documented), picture.Digest(content)) {
		t.Errorf("%s is not of the dashboard as it is; run `make dashboard-picture`", pictureFile)
	}
	shows(t, string(documented), board)
}

// shows fails the test unless a picture is well-formed and has every panel in it.
func shows(t *testing.T, drawn string, board *dashboard.Dashboard) {
	t.Helper()
	texts := map[string]bool{}
	for decoder := xml.NewDecoder(strings.NewReader(drawn)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		if text, isText := token.(xml.CharData); isText {
			texts[strings.TrimPrefix(string(text), "⌄  ")] = true
		}
	}
	for i := range board.Panels {
		if title := board.Panels[i].Title; !texts[title] {
			t.Errorf("the panel %q is not in the picture", title)
		}
	}
	for _, wrong := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(drawn, wrong) {
			t.Errorf("the picture has %s in it", wrong)
		}
	}
}

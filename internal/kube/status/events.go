package status

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
)

// maxNote is how much of a text an event shows, in bytes; the API server takes 1024.
const maxNote = 1000

// Events writes events. Callers report transitions only, never the same state again.
type Events struct {
	// Recorder sends the events.
	Recorder events.EventRecorder
}

// Report writes one event about an object. action says in a word what the controller was doing.
func (e Events) Report(object runtime.Object, warning bool, reason, action, message string) {
	kind := corev1.EventTypeNormal
	if warning {
		kind = corev1.EventTypeWarning
	}
	if len(message) > maxNote {
		message = strings.ToValidUTF8(message[:maxNote], "") + "…" // a character that was cut in two is left out
	}
	e.Recorder.Eventf(object, nil, kind, reason, action, "%s", message)
}

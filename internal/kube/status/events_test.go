package status_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/events"

	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestEventsArrive: with a real recorder and a real API server, which refuses what is not to its taste.
func TestEventsArrive(t *testing.T) {
	clients := must.Get(kubernetes.NewForConfig(server.Config))(t)
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: clients.EventsV1()})
	must.Do(t, broadcaster.StartRecordingToSinkWithContext(t.Context()))
	defer broadcaster.Shutdown()
	reporter := status.Events{Recorder: broadcaster.NewRecorder(server.Client.Scheme(), "varmenne-issuer")}
	for claim, c := range map[string]struct {
		warning       bool
		message, want string
	}{
		"a normal one":      {false, "the certificate was issued", "the certificate was issued"},
		"a Warning":         {true, "100 % wrong: %s %d", "100 % wrong: %s %d"},
		"a long one is cut": {true, strings.Repeat("x", 5000), strings.Repeat("x", 1000) + "…"},
		"not in the middle of a character": {
			true, "x" + strings.Repeat("ä", 5000), "x" + strings.Repeat("ä", 499) + "…",
		},
		"one that just fits is left as it is":     {false, strings.Repeat("y", 1000), strings.Repeat("y", 1000)},
		"one that is a little longer is cut, too": {false, strings.Repeat("z", 1001), strings.Repeat("z", 1000) + "…"},
	} {
		t.Run(claim, func(t *testing.T) {
			request := newRequest(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			watch := must.Get(clients.EventsV1().Events(request.Namespace).Watch(ctx, metav1.ListOptions{}))(t)
			defer watch.Stop()
			reporter.Report(request, c.warning, "Reason", "Act", c.message)
			arrived, open := <-watch.ResultChan()
			if !open {
				t.Fatal("no event has come")
			}
			event, ok := arrived.Object.(*eventsv1.Event)
			if !ok {
				t.Fatalf("a %T has come", arrived.Object)
			}
			if (event.Type == "Warning") != c.warning || event.Note != c.want || !utf8.ValidString(event.Note) ||
				event.Reason != "Reason" || event.Action != "Act" || event.Regarding.Name != request.Name {
				t.Errorf("the event is %+v", event)
			}
		})
	}
}

package v1alpha1_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

func messagesManifest(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
kind: MessagesPassword
metadata:
  generateName: messages-
spec:
  environment: TEST
  secretRef: {name: messages}
`)
	object.SetNamespace(namespace)
	return object
}

func TestRulesOfMessagesPasswords(t *testing.T) {
	const url, inline = "https://localhost:8443", "spec.tls.caBundle"
	elsewhere := func(more map[string]any) map[string]any {
		fields := map[string]any{"spec.environment": nil, "spec.url": url}
		maps.Copy(fields, more)
		return fields
	}
	window := func(fields map[string]any, says string) refused {
		return refused{map[string]any{"spec.window": fields}, says}
	}
	retrieval := func(fields map[string]any, says string) refused {
		return refused{map[string]any{"spec.retrieval": fields}, says}
	}
	days := []any{"Monday", "Sunday"}
	heartbeat := map[string]any{"deploymentName": "app"}
	cases := map[string]refused{
		"an environment":             {nil, ""},
		"another environment":        field("spec.environment", "ACCEPTANCE", "Unsupported value"),
		"a url":                      {elsewhere(nil), ""},
		"a url and its authority":    {elsewhere(map[string]any{inline: "LS0tLS1CRUdJTg=="}), ""},
		"an authority without a url": field(inline, "LS0tLS1CRUdJTg==", "spec.tls is for spec.url"),
		"an environment and a url":   field("spec.url", url, "exactly one"),
		"neither":                    field("spec.environment", nil, "exactly one"),
		"a url without TLS": {
			elsewhere(map[string]any{"spec.url": "http://localhost"}), "must start with https://"},
		"a url without a host":              {elsewhere(map[string]any{"spec.url": "https://"}), "is not a URL"},
		"no Secret":                         field("spec.secretRef", nil, "spec.secretRef: Required value"),
		"a rotation a year":                 field("spec.interval", "8760h", ""),
		"a rotation every other year":       field("spec.interval", "8761h", "demands a rotation at least once a year"),
		"a rotation every minute":           field("spec.interval", "1m", "at least 1h"),
		"a rotation a minute in rehearsals": {elsewhere(map[string]any{"spec.interval": "1m"}), ""},
		"a rotation a second in rehearsals": {elsewhere(map[string]any{"spec.interval": "1s"}), "at least 1m"},
		"a short password":                  field("spec.passwordLength", int64(31), "greater than or equal to 32"),
		"a long password":                   field("spec.passwordLength", int64(257), "less than or equal to 256"),
		"deletion that does not wait":       field("spec.deletionPolicy", "Orphan", ""),
		"deletion of the Secret":            field("spec.deletionPolicy", "Delete", "Unsupported value"),
		"a window of hours":                 window(map[string]any{"start": "02:00", "end": "05:00"}, ""),
		"a window past midnight":            window(map[string]any{"start": "22:00", "end": "05:00", "days": days}, ""),
		"a window of days":                  window(map[string]any{"days": days, "timeZone": "UTC"}, ""),
		"a window of nothing":               window(map[string]any{"start": "02:00", "end": "02:00"}, "must differ"),
		"a window without an end":           window(map[string]any{"start": "02:00"}, "needs both start and end"),
		"a window at a quarter past":        window(map[string]any{"start": "2:15", "end": "05:00"}, "start"),
		"a window after midnight":           window(map[string]any{"start": "24:00", "end": "05:00"}, "start"),
		"a window on a day that is none":    window(map[string]any{"days": []any{"Someday"}}, "Unsupported value"),
		"a window of a place unknown":       window(map[string]any{"days": days, "timeZone": "Local"}, "the IANA database"),
		"a CronJob's retrieval":             retrieval(map[string]any{"cronJobName": "fetch", "maxAge": "1h"}, ""),
		"an application's retrieval":        retrieval(map[string]any{"heartbeat": heartbeat, "maxAge": "1h"}, ""),
		"retrieval by both": retrieval(map[string]any{
			"cronJobName": "fetch", "heartbeat": heartbeat, "maxAge": "1h"}, "exactly one"),
		"retrieval by nobody":        retrieval(map[string]any{"maxAge": "1h"}, "exactly one"),
		"retrieval without an age":   retrieval(map[string]any{"cronJobName": "fetch"}, "maxAge: Required value"),
		"retrieval in every second":  retrieval(map[string]any{"cronJobName": "fetch", "maxAge": "1s"}, "from 1m to 8760h"),
		"an interval that is no one": field("spec.interval", "a day", "spec.interval"),
	}
	addBounds(cases, map[string]int{"spec.secretRef.name": 240}, nil)
	namespace := server.Namespace(t)
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) { checkCreation(t, messagesManifest(t, namespace), c) })
	}
}

// TestAMessagesPasswordStaysWithItsAccount: where a rotation in flight is going does not change under it.
func TestAMessagesPasswordStaysWithItsAccount(t *testing.T) {
	for claim, c := range map[string]refused{
		"another environment": field("spec.environment", "PRODUCTION", "cannot be changed"),
		"a url instead": {map[string]any{"spec.environment": nil, "spec.url": "https://localhost"},
			"cannot be changed"},
		"another Secret":   field("spec.secretRef.name", "other", "cannot be changed"),
		"another interval": field("spec.interval", "168h", ""),
	} {
		t.Run(claim, func(t *testing.T) {
			object := messagesManifest(t, server.Namespace(t))
			server.Create(t, object)
			for path, value := range c.fields {
				set(t, object, path, value)
			}
			err := server.Client.Update(t.Context(), object)
			if (err == nil) != (c.says == "") || err != nil &&
				(!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("the API server says %v", err)
			}
		})
	}
}

func TestWhatIsLeftOutOfAMessagesPassword(t *testing.T) {
	object := messagesManifest(t, server.Namespace(t))
	set(t, object, "spec.window", map[string]any{"start": "02:00", "end": "05:00"})
	server.Create(t, object)
	got := map[string]any{}
	for _, path := range []string{
		"spec.interval", "spec.passwordLength", "spec.deletionPolicy", "spec.window.timeZone", "status.state",
	} {
		got[path] = get(t, object, path)
	}
	want := map[string]any{
		"spec.interval": "24h", "spec.passwordLength": int64(48), "spec.deletionPolicy": "Settle",
		"spec.window.timeZone": "Europe/Helsinki", "status.state": "Idle",
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("the defaults differ (-want +got):\n%s", difference)
	}
	cells := row(t, "messagespasswords", object)
	if cells["Ready"] != "Unknown" || cells["Reason"] != "NotChecked" || cells["State"] != "Idle" ||
		cells["Secret"] != "messages" {
		t.Errorf("the columns are %v", cells)
	}
}

// TestTheAPIServerTakesWhatARotationWrites, from the first sight of a password over a lost response, two refused
// passwords and a refused change to the commit.
func TestTheAPIServerTakesWhatARotationWrites(t *testing.T) {
	created := messagesManifest(t, server.Namespace(t))
	created.SetAnnotations(map[string]string{v1alpha1.AnnotationRotate: "now"})
	created.SetFinalizers([]string{rotation.Finalizer})
	server.Create(t, created)
	object := &v1alpha1.MessagesPassword{}
	object.Namespace, object.Name = created.GetNamespace(), created.GetName()
	now := time.Date(2026, time.November, 28, 12, 0, 0, 1000, time.UTC)
	staging, secret := rotation.Staging{}, rotation.Secret{Version: "7", Written: now, Holds: rotation.HoldsCurrent}
	step := func(verb rotation.Verb, record func(rotation.Decision)) {
		t.Helper()
		if err := server.Client.Get(t.Context(), ctrlclient.ObjectKeyFromObject(object), object); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Hour)
		decision := rotation.Decide(rotation.Snapshot{Now: now, Object: object, Staging: staging, Secret: secret})
		if decision.Verb != verb {
			t.Fatalf("it decides to %s, not to %s", decision.Verb, verb)
		}
		rotation.Intend(object, decision)
		if err := server.Client.Status().Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		if record != nil {
			record(decision)
			if err := server.Client.Status().Update(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	logIn := func(token, events rotation.Outcome) func(rotation.Decision) {
		return func(d rotation.Decision) {
			rotation.RecordLogin(object, d, rotation.Login{Token: token, Events: events}, now)
		}
	}
	send := func(change rotation.Outcome) func(rotation.Decision) {
		return func(d rotation.Decision) {
			sent := rotation.Sending{Token: rotation.Accepted, Change: change, Reason: strings.Repeat("ä", 300)}
			rotation.RecordSend(object, d, sent, now)
		}
	}
	step(rotation.LogIn, logIn(rotation.Accepted, rotation.Accepted))
	step(rotation.LogIn, logIn(rotation.Accepted, rotation.Accepted))
	staging.UID = "1"
	step(rotation.Prepare, nil)
	step(rotation.Send, send(rotation.Unclear))
	step(rotation.LogIn, logIn(rotation.Refused, rotation.Unclear))
	step(rotation.LogIn, logIn(rotation.Refused, rotation.Unclear))
	step(rotation.LogIn, logIn(rotation.Unclear, rotation.Unclear))
	step(rotation.LogIn, logIn(rotation.Refused, rotation.Unclear))
	step(rotation.LogIn, logIn(rotation.Accepted, rotation.Unclear))
	step(rotation.Send, send(rotation.Refused))
	step(rotation.LogIn, logIn(rotation.Accepted, rotation.Unclear))
	step(rotation.Send, send(rotation.Accepted))
	step(rotation.LogIn, logIn(rotation.Accepted, rotation.Accepted))
	step(rotation.Commit, func(d rotation.Decision) { rotation.RecordCommit(object, d, "8", now, now) })
	secret = rotation.Secret{Version: "8", Written: now, Holds: rotation.HoldsNew}
	step(rotation.Unstage, nil)
}

package rotator_test

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// works reports whether the service takes a password now.
func (w *world) works(password string) bool {
	w.Helper()
	verdict, err := w.admin.VerifyMessagesPassword(w.Context(), systemID, password)
	w.must(err)
	return verdict.Current
}

// inSecret is the password that applications mount.
func (w *world) inSecret() string {
	w.Helper()
	if secret := w.secret("messages"); secret != nil {
		return string(secret.Data[v1alpha1.KeyPassword])
	}
	return ""
}

// remember notes which passwords there are, and which of them the two Secrets have now.
func (w *world) remember() {
	w.Helper()
	w.held = nil
	for _, name := range []string{"messages", rotation.StagingName("messages")} {
		secret := w.secret(name)
		if secret == nil {
			continue
		}
		for _, key := range []string{v1alpha1.KeyPassword, v1alpha1.KeyNewPassword} {
			if value := string(secret.Data[key]); value != "" && !slices.Contains(w.held, value) {
				w.held = append(w.held, value)
			}
		}
	}
	for _, value := range w.held {
		if !slices.Contains(w.known, value) {
			w.known = append(w.known, value)
		}
	}
}

// checkHeld fails the test where the password of the service was known, and was in neither Secret any more at the last
// look. What somebody else has made the password of the service was not known.
func (w *world) checkHeld() {
	w.Helper()
	if len(w.held) == 0 || slices.ContainsFunc(w.held, w.works) {
		return
	}
	applied := slices.DeleteFunc(w.ledger().Changes, func(change admin.MessagesChangeEntry) bool {
		return change.AppliedAt == nil
	})
	somebody := len(applied) > 0 && applied[len(applied)-1].Somebody
	if !somebody && !w.astray && w.secret("messages") != nil {
		w.Fatalf("no Secret has the service's password; the changes are %+v", applied)
	}
}

// ledger is the service's own account of what has happened.
func (w *world) ledger() admin.MessagesLedger {
	w.Helper()
	ledger, err := w.admin.MessagesLedger(w.Context(), systemID)
	w.must(err)
	const most = 4
	if ledger.MostFailedInAnHour > most {
		w.Errorf("%d log-ins have failed within an hour", ledger.MostFailedInAnHour)
	}
	return ledger
}

// said takes the events that were written since the last time.
func (w *world) said() []string {
	var all []string
	for len(w.events.Events) > 0 {
		all = append(all, <-w.events.Events)
	}
	w.shown = append(w.shown, all...)
	return all
}

// expect fails the test where a condition is not as it should be.
func (w *world) expect(kind string, holds bool, reason string) {
	w.Helper()
	got := condition(w.object, kind)
	if (got.Status == metav1.ConditionTrue) != holds || got.Reason != reason {
		w.Errorf("%s is %+v, want %v with %s", kind, got, holds, reason)
	}
}

// condition is one of an object, empty if it has none of that kind.
func condition(object *v1alpha1.MessagesPassword, kind string) metav1.Condition {
	if found := meta.FindStatusCondition(object.Status.Conditions, kind); found != nil {
		return *found
	}
	return metav1.Condition{}
}

// checkSecrecy fails the test where a password, or a part of one, is in a log, an event or the object.
func (w *world) checkSecrecy() {
	w.said()
	encoded, err := yaml.Marshal(w.object)
	w.must(err)
	const part = 12
	for place, text := range map[string]string{
		"the log": w.log.String(), "an event": strings.Join(w.shown, "\n"), "the object": string(encoded),
	} {
		for _, password := range w.known {
			for i := 0; i+part <= len(password); i++ {
				if strings.Contains(text, password[i:i+part]) {
					w.Errorf("%s shows a password: %s", place, text)
					return
				}
			}
		}
		if strings.Contains(text, "eyJ") {
			w.Errorf("%s shows a token: %s", place, text)
		}
	}
}

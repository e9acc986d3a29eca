package crash_test

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// mostFailedLogins is how many log-ins may fail within an hour, whatever happens.
const mostFailedLogins = 4

// works reports whether the service takes a password now.
func (e *messagesEnvironment) works(password string) bool {
	e.Helper()
	return e.verdict(password).Current
}

func (e *messagesEnvironment) verdict(password string) admin.MessagesVerdict {
	e.Helper()
	verdict, err := e.admin.VerifyMessagesPassword(e.Context(), systemID, password)
	if err != nil {
		e.Error(err)
	}
	return verdict
}

func (e *messagesEnvironment) ledger() admin.MessagesLedger {
	e.Helper()
	ledger, err := e.admin.MessagesLedger(e.Context(), systemID)
	if err != nil {
		e.Error(err)
	}
	return ledger
}

// watch holds a moment to the promise: one of the two Secrets has the service's password, unless somebody has changed
// it elsewhere; and the one that applications mount has none that was not proved.
func (e *messagesEnvironment) watch() {
	e.Helper()
	secret, staging := e.secret(e.secretName), e.staging()
	if secret != nil {
		if value := string(secret.Data[v1alpha1.KeyPassword]); e.note(&e.published, value) {
			e.verifyProved(value)
		}
	}
	for _, holder := range []*corev1.Secret{secret, staging} {
		if holder == nil {
			continue
		}
		for _, key := range []string{v1alpha1.KeyPassword, v1alpha1.KeyNewPassword} {
			if value := string(holder.Data[key]); value != "" && e.works(value) {
				return
			}
		}
	}
	changes := e.ledger().Changes
	if !slices.ContainsFunc(changes, func(change admin.MessagesChangeEntry) bool { return change.Somebody }) {
		e.note(&e.problems, fmt.Sprintf("no Secret has the service's password, after %+v", changes))
	}
}

// verifyProved: the service has given a token for a password.
func (e *messagesEnvironment) verifyProved(password string) {
	e.Helper()
	digest := e.verdict(password).Digest
	if !slices.ContainsFunc(e.ledger().LogIns, func(login admin.MessagesLogIn) bool {
		return login.OK && login.Password == digest
	}) {
		e.note(&e.problems, "the Secret has a password that was never proved")
	}
}

// verify fails the test where the promise was not kept.
func (e *messagesEnvironment) verify(rotations int) {
	e.Helper()
	for _, problem := range e.judge(rotations) {
		e.Error(problem)
	}
	if e.Failed() {
		e.Log(e.describe())
	}
}

// judge says what was not kept of the promise, as the service's own ledger tells: the Secret has its password, there
// were so many new ones, never two of them at a time, and no more log-ins have failed than may.
func (e *messagesEnvironment) judge(rotations int) (problems []string) {
	e.Helper()
	e.watch()
	secret, ledger := e.secret(e.secretName), e.ledger()
	for problem, is := range map[string]bool{
		"the Secret has not the service's password": secret == nil || string(secret.Data[v1alpha1.KeyUsername]) != systemID ||
			!e.works(string(secret.Data[v1alpha1.KeyPassword])),
		"the staging Secret is still there": e.staging() != nil,
		"nothing was rotated":               ledger.Applied == 0,
		fmt.Sprintf("%d new passwords were sent, want %d", len(e.sent), rotations): len(e.sent) != rotations,
		fmt.Sprintf("%d log-ins have failed within an hour", ledger.MostFailedInAnHour): ledger.MostFailedInAnHour >
			mostFailedLogins,
		"the account is locked": ledger.LockedUntil != nil,
	} {
		if is {
			problems = append(problems, problem)
		}
	}
	return append(append(problems, e.problems...), overlapping(ledger.Changes)...)
}

// overlapping are the new passwords that were sent while the service could still put another one in place of the same.
func overlapping(changes []admin.MessagesChangeEntry) (problems []string) {
	for i, change := range changes {
		for _, earlier := range changes[:i] {
			pending := earlier.Reason == "" && (earlier.AppliedAt == nil || earlier.AppliedAt.After(change.Time))
			if !change.Somebody && pending && earlier.Current == change.Current && earlier.New != change.New {
				problems = append(problems, fmt.Sprintf("two new passwords were in flight: %+v and %+v", earlier, change))
			}
		}
	}
	return problems
}

func (e *messagesEnvironment) describe() string {
	e.Helper()
	var text strings.Builder
	for _, object := range e.objects() {
		fmt.Fprintf(&text, "%s/%s: %+v\n", object.Namespace, object.Name, object.Status)
	}
	fmt.Fprintf(&text, "%q\n", e.problems)
	ledger := e.ledger()
	for _, login := range ledger.LogIns {
		fmt.Fprintf(&text, "log-in %+v\n", login)
	}
	for _, change := range ledger.Changes {
		fmt.Fprintf(&text, "change %+v\n", change)
	}
	for number, process := range e.processes {
		fmt.Fprintf(&text, "controller %d: %q\n", number+1, process.steps)
	}
	return text.String()
}

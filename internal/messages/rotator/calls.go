package rotator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// Operations of the service, as logs and metrics name them.
const (
	opToken  = "token"
	opChange = "change-password"
	opEvents = "events"
)

// Operations lists every operation that is counted.
func Operations() []string { return []string{opToken, opChange, opEvents} }

// logIn has a token given for a password, and events for it where they are asked for, and writes down what has come of
// it.
func (p *pass) logIn(ctx context.Context) error {
	username, with := p.chosen()
	ctx, end := p.callContext(ctx)
	defer end()
	login := p.prove(ctx, username, with)
	return p.record(ctx, func() { rotation.RecordLogin(p.object, p.decision, login, p.Clock.Now()) })
}

// chosen are username and password of the log-in that was decided on.
func (p *pass) chosen() (string, password.Password) {
	staged := credentialsOf(p.read.staging)
	switch p.decision.Password {
	case rotation.New:
		return staged.username, staged.new
	case rotation.Current:
		return staged.username, staged.current
	default:
		its := credentialsOf(p.read.secret)
		return its.username, its.current
	}
}

func (p *pass) prove(ctx context.Context, username string, with password.Password) rotation.Login {
	if !p.mayCall(rotation.BeginWithin) {
		return rotation.Login{Token: rotation.Unsent, Problem: late}
	}
	had := p.service.Token(ctx, username, with)
	p.note(ctx, opToken, had.Result)
	login := rotation.Login{
		Token: outcomeOfToken(had.Result), RetryAfter: had.RetryAfter, Problem: explain(had.Result),
	}
	if login.Token != rotation.Accepted || !p.decision.Events {
		return login
	}
	if !p.mayCall(lastBegin) {
		login.Events, login.Problem = rotation.Unsent, late
		return login
	}
	seen := p.service.Events(ctx, had.Token)
	p.note(ctx, opEvents, seen)
	login.Events, login.Problem = outcomeOfEvents(seen.Outcome), explain(seen)
	login.RetryAfter = max(login.RetryAfter, seen.RetryAfter)
	return login
}

// send has a fresh token given for the current password, has it changed to the new one, and writes down what has come
// of it. That it is sent was written before.
func (p *pass) send(ctx context.Context) error {
	staged := credentialsOf(p.read.staging)
	ctx, end := p.callContext(ctx)
	defer end()
	sending := p.change(ctx, staged)
	return p.record(ctx, func() { rotation.RecordSend(p.object, p.decision, sending, p.Clock.Now()) })
}

func (p *pass) change(ctx context.Context, staged credentials) rotation.Sending {
	sending := rotation.Sending{Token: rotation.Unsent, Change: rotation.Unsent, Problem: late}
	if !p.mayCall(rotation.BeginWithin) {
		return sending
	}
	had := p.service.Token(ctx, staged.username, staged.current)
	p.note(ctx, opToken, had.Result)
	sending.Token = outcomeOfToken(had.Result)
	sending.RetryAfter, sending.Problem = had.RetryAfter, explain(had.Result)
	if sending.Token != rotation.Accepted {
		return sending
	}
	if !p.mayCall(lastBegin) {
		sending.Problem = late
		return sending
	}
	changed := p.service.ChangePassword(ctx, had.Token, staged.current, staged.new)
	p.note(ctx, opChange, changed)
	sending.Change, sending.Reason = outcomeOfChange(changed.Outcome), changed.Reason
	if changed.TraceID != "" {
		sending.Reason = fmt.Sprintf("traceId %s: %s", changed.TraceID, changed.Reason)
	}
	sending.RetryAfter, sending.Problem = max(sending.RetryAfter, changed.RetryAfter), explain(changed)
	return sending
}

// lastBegin is how long after the pass began the second call of a decision may begin.
const lastBegin = rotation.CallTimeout / 2

// mayCall reports whether the pass has not been held up for longer than that.
func (p *pass) mayCall(within time.Duration) bool { return p.elapsed() <= within }

// callContext ends the calls of a decision in time, and not with the controller: what was sent is to be recorded.
func (p *pass) callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), rotation.CallTimeout-p.elapsed())
}

// connect makes a client for the service that the object names, or says why its spec does not let it be called.
func (p *pass) connect(ctx context.Context) (Service, rotation.Uncallable, error) {
	var bundle pki.Bundle
	if from := p.object.Spec.TLS; from != nil {
		var (
			err      error
			unusable *secrets.BundleError
		)
		bundle, err = secrets.ReadBundle(ctx, p.Reader, "spec.tls", from, p.object.Namespace)
		switch {
		case errors.As(err, &unusable) && unusable.Missing:
			return nil, rotation.Uncallable{Reason: v1alpha1.ReasonBundleNotFound, Problem: err.Error()}, nil
		case errors.As(err, &unusable):
			return nil, rotation.Uncallable{Reason: v1alpha1.ReasonBundleInvalid, Problem: err.Error()}, nil
		case err != nil:
			return nil, rotation.Uncallable{}, err
		}
	}
	service, err := p.Connect(p.object, bundle.Certificates)
	return service, uncallable(err), nil
}

// uncallable says what a client cannot be made for.
func uncallable(err error) rotation.Uncallable {
	var forbidden *client.ForbiddenError
	switch {
	case err == nil:
		return rotation.Uncallable{}
	case errors.As(err, &forbidden):
		return rotation.Uncallable{Reason: v1alpha1.ReasonEndpointNotAllowed, Problem: fmt.Sprintf("%v: ask whoever runs "+
			"the controller to add it, or make another MessagesPassword, with another spec.url", err)}
	default:
		return rotation.Uncallable{Reason: v1alpha1.ReasonInvalidSpec, Problem: err.Error()}
	}
}

// note counts and logs the end of a call. The trace names it to whoever runs the service.
func (p *pass) note(ctx context.Context, operation string, result client.Result) {
	p.Metrics.MessagesCall(operation, string(result.Outcome))
	ctrl.LoggerFrom(ctx).Info("called Suomi.fi Messages", "operation", operation, "outcome", result.Outcome,
		"status", result.Status, "traceId", result.TraceID, "detail", result.Detail, "reason", result.Reason)
}

// outcomeOfToken is what a log-in means. Who was turned away before anybody looked at the password has not failed. That
// a wrong one is never answered with 401 is only what the service says of itself, so that counts.
func outcomeOfToken(result client.Result) rotation.Outcome {
	switch result.Outcome {
	case client.Done:
		return rotation.Accepted
	case client.Refused:
		return rotation.Refused
	case client.NotAllowed, client.NotSent:
		if result.Status == http.StatusUnauthorized {
			return rotation.Unclear
		}
		return rotation.Unsent
	default:
		return rotation.Unclear
	}
}

// outcomeOfChange is what a change means. Only the service's own refusal, and a request that never left, show that the
// password is as it was.
func outcomeOfChange(outcome client.Outcome) rotation.Outcome {
	switch outcome {
	case client.Done:
		return rotation.Accepted
	case client.Refused:
		return rotation.Refused
	case client.NotSent:
		return rotation.Unsent
	default:
		return rotation.Unclear
	}
}

// outcomeOfEvents is what the events mean. To a token that is fresh, 401 and 403 are refusals.
func outcomeOfEvents(outcome client.Outcome) rotation.Outcome {
	if outcome == client.NotAllowed {
		return rotation.Refused
	}
	return outcomeOfChange(outcome)
}

// explain says for people what a call has ended with; empty if it was as it should be.
func explain(result client.Result) string {
	if result.Outcome == client.Done {
		return ""
	}
	text := result.Detail
	if result.TraceID != "" { // before the reason, which may be long
		text += fmt.Sprintf(" (traceId %s)", result.TraceID)
	}
	if result.Reason != "" {
		text += ": " + result.Reason
	}
	return text
}

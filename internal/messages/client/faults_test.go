package client_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// expectation is what each call makes of a fault; an operation without an outcome is not struck by it.
type expectation struct {
	fault                 admin.MessagesFault
	token, change, events client.Outcome
	// status and says are those of the response; 0 and empty are not looked at. changed is true where the new password is
	// the current one after the change.
	status     int
	says       string
	retryAfter time.Duration
	changed    bool
}

var expectations = map[string]expectation{
	"the connection is dropped before": {
		fault: admin.MessagesFault{Kind: admin.MessagesDropBefore},
		token: client.Unknown, change: client.Unknown, events: client.Unknown, says: "the other side closed it",
	},
	"nothing comes, and nothing was done": {
		fault: admin.MessagesFault{Kind: admin.MessagesTimeoutBefore},
		token: client.Unknown, change: client.Unknown, events: client.Unknown, says: "no response in time",
	},
	"nothing comes after it was done": {
		fault: admin.MessagesFault{Kind: admin.MessagesTimeoutAfter}, changed: true,
		token: client.Unknown, change: client.Unknown, events: client.Unknown, says: "no response in time",
	},
	"a reset after it was done": {
		fault: admin.MessagesFault{Kind: admin.MessagesReset}, changed: true,
		token: client.Unknown, change: client.Unknown, events: client.Unknown, says: "the other side closed it",
	},
	"it is done later": {
		fault: admin.MessagesFault{Kind: admin.MessagesLater}, change: client.Unknown, changed: true,
	},
	"a web page of HTTP 502": {
		fault: admin.MessagesFault{Kind: admin.MessagesHTTPStatus}, status: http.StatusBadGateway, says: "HTTP 502",
		token: client.Unknown, change: client.Unknown, events: client.Unknown,
	},
	"HTTP 500 after it was done": {
		fault: admin.MessagesFault{Kind: admin.MessagesHTTPStatus, Status: 500, AfterProcessing: true},
		token: client.Unknown, change: client.Unknown, events: client.Unknown, status: 500, changed: true,
	},
	"HTTP 503 that asks for time": {
		fault: admin.MessagesFault{Kind: admin.MessagesHTTPStatus, Status: 503, RetryAfter: admin.Duration(90 * time.Second)},
		token: client.Unknown, change: client.Unknown, events: client.Unknown, status: 503, retryAfter: 90 * time.Second,
	},
	"an address that is not on the list": {
		fault: admin.MessagesFault{Kind: admin.MessagesStranger}, status: http.StatusForbidden,
		token: client.NotAllowed, change: client.NotAllowed, events: client.NotAllowed, says: "HTTP 403",
	},
	"a redirection": {
		fault: admin.MessagesFault{Kind: admin.MessagesRedirect}, status: http.StatusTemporaryRedirect,
		token: client.Unknown, change: client.Unknown, events: client.Unknown, says: "never followed",
	},
	"half of the response": {
		fault: admin.MessagesFault{Kind: admin.MessagesTruncated}, status: http.StatusOK, changed: true,
		token: client.Unknown, change: client.Done, events: client.Done,
	},
	"100 MB": {
		fault: admin.MessagesFault{Kind: admin.MessagesOversize}, status: http.StatusOK, changed: true,
		token: client.Unknown, change: client.Done, events: client.Done,
	},
	"one byte per second": {
		fault: admin.MessagesFault{Kind: admin.MessagesSlow}, status: http.StatusOK, changed: true,
		token: client.Unknown, change: client.Done, events: client.Done,
	},
	"a locked account": {
		fault: admin.MessagesFault{Kind: admin.MessagesLockOut}, token: client.Refused, status: http.StatusBadRequest,
		says: "Incorrect username or password.",
	},
	"too many changes": {
		fault: admin.MessagesFault{Kind: admin.MessagesAttemptLimit}, change: client.Refused, status: http.StatusBadRequest,
		says: "Attempt limit exceeded",
	},
	"a new password that is not taken": {
		fault: admin.MessagesFault{Kind: admin.MessagesPolicy}, change: client.Refused, status: http.StatusBadRequest,
		says: "Password did not conform with policy",
	},
	"tokens are revoked": {
		fault: admin.MessagesFault{Kind: admin.MessagesRevoke},
		token: client.Done, change: client.Refused, events: client.NotAllowed,
	},
	"somebody has changed the password": {
		fault: admin.MessagesFault{Kind: admin.MessagesChanged, Password: "Third-password-of-somebody-0815-x"},
		token: client.Refused, change: client.Refused, events: client.NotAllowed,
	},
	"a reason that repeats all": {
		fault: admin.MessagesFault{Kind: admin.MessagesEcho}, status: http.StatusBadRequest, says: "not shown",
		token: client.Refused, change: client.Refused, events: client.Refused,
	},
}

func TestEveryFaultHasItsOutcomeOverTLS(t *testing.T) {
	s := start(t)
	kinds := admin.MessagesFaultKinds()
	for claim, want := range expectations {
		kinds = slices.DeleteFunc(kinds, func(kind admin.MessagesFaultKind) bool { return kind == want.fault.Kind })
		for operation, outcome := range map[admin.MessagesOperation]client.Outcome{
			admin.MessagesToken: want.token, admin.MessagesChange: want.change, admin.MessagesEvents: want.events,
		} {
			if outcome != "" {
				t.Run(claim+", "+string(operation), func(t *testing.T) {
					t.Parallel()
					s.meet(t, want, operation, outcome)
				})
			}
		}
	}
	if len(kinds) > 0 {
		t.Errorf("no call meets %v", kinds)
	}
}

// meet lets a call be struck by a fault, on an account of its own.
func (s *service) meet(t *testing.T, want expectation, operation admin.MessagesOperation, outcome client.Outcome) {
	t.Helper()
	systemID := strings.ReplaceAll(t.Name(), "/", ":")
	s.account(t, systemID)
	patient := newClient(t, s.url, s.roots, nil)
	known := patient.Token(t.Context(), systemID, password.New(first))
	hasty := newClient(t, s.url, s.roots, func(o *client.Options) {
		if want.fault.Kind == admin.MessagesTimeoutAfter || want.fault.Kind == admin.MessagesTimeoutBefore {
			o.ResponseTimeout = 250 * time.Millisecond
		}
		if want.fault.Kind == admin.MessagesSlow {
			o.Timeout = 2 * time.Second
		}
	})
	fault := want.fault
	fault.SystemID, fault.Operation = systemID, operation
	if _, err := s.admin.ScriptMessages(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	got := calls[operation](t, hasty, systemID, known.Token.Reveal())
	if waited := time.Since(began); waited > client.DefaultTimeout/2 {
		t.Errorf("waited %s", waited)
	}
	checkShown(t, got, known.Token.Reveal())
	if got.Outcome != outcome || want.status != 0 && got.Status != want.status || got.RetryAfter != want.retryAfter ||
		outcome != client.Done && !strings.Contains(got.Reason+got.Detail, want.says) {
		t.Errorf("%+v, want %s %d %q", got, outcome, want.status, want.says)
	}
	if got.Outcome == client.Refused && got.TraceID == "" {
		t.Errorf("%+v is without the service's identifier", got)
	}
	if operation == admin.MessagesChange {
		s.checkPassword(t, systemID, want)
	}
}

// checkPassword looks which password is the current one, after the time that a change may take.
func (s *service) checkPassword(t *testing.T, systemID string, want expectation) {
	t.Helper()
	if want.fault.Kind == admin.MessagesLater {
		s.clock.Step(time.Minute)
	}
	verdict, err := s.admin.VerifyMessagesPassword(t.Context(), systemID, second)
	if err != nil || verdict.Current != want.changed {
		t.Errorf("the new password works: %v (error %v), want %v", verdict.Current, err, want.changed)
	}
	ledger, err := s.admin.MessagesLedger(t.Context(), systemID)
	if err != nil || ledger.DistinctNew > 1 || len(ledger.LogIns) != 1 {
		t.Errorf("%+v, error %v", ledger, err)
	}
}

func TestAPasswordIsChangedAndProvedOverTLS(t *testing.T) {
	s := start(t)
	s.account(t, "esimerkki")
	c := newClient(t, s.url+"/", s.roots, nil)
	before := time.Now()
	old := c.Token(t.Context(), "esimerkki", password.New(first))
	if end := old.ExpiresAt.Add(-time.Hour); old.Outcome != client.Done || end.Before(before) || end.After(time.Now()) {
		t.Fatalf("%+v", old)
	}
	changed := c.ChangePassword(t.Context(), old.Token, password.New(first), password.New(second))
	if changed.Outcome != client.Done {
		t.Fatalf("%+v", changed)
	}
	refused := c.Token(t.Context(), "esimerkki", password.New(first))
	if refused.Outcome != client.Refused || refused.Reason == "" {
		t.Errorf("the old password: %+v", refused)
	}
	proof := c.Token(t.Context(), "esimerkki", password.New(second))
	if got := c.Events(t.Context(), proof.Token); got.Outcome != client.Done || got.Status != http.StatusOK {
		t.Errorf("the events: %+v", got)
	}
	if got := c.Events(t.Context(), old.Token); got.Outcome != client.NotAllowed || got.Status != http.StatusUnauthorized {
		t.Errorf("the old token: %+v", got)
	}
}

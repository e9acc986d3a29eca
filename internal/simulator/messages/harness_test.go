package messages_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/messages"
)

const (
	systemID  = "esimerkki"
	first     = "First-password-of-the-owner-4711"
	incorrect = "Incorrect username or password."
)

// world is the API with one account.
type world struct {
	t       *testing.T
	service *messages.Service
	clock   *clocktesting.FakeClock
	url     string
	log     *bytes.Buffer
}

func start(t *testing.T, account admin.MessagesAccount) *world {
	t.Helper()
	w := &world{
		t: t, clock: clocktesting.NewFakeClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)), log: &bytes.Buffer{},
	}
	w.service = messages.New(messages.Options{
		Clock: w.clock, TokenLifetime: time.Hour, Roll: func() int { return 0 }, Log: logTo(w.log),
	})
	account.SystemID, account.Password = systemID, first
	if _, err := w.service.Create(account); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.service)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func logTo(buffer *bytes.Buffer) logr.Logger {
	return funcr.New(func(_, arguments string) { _, _ = fmt.Fprintln(buffer, arguments) }, funcr.Options{Verbosity: 9})
}

// reply is a response as a client sees it.
type reply struct {
	status int
	body   string
	fields map[string]any
}

func (r reply) text(field string) string {
	value, _ := r.fields[field].(string)
	return value
}

func (w *world) call(method, path, authorization string, fields any) reply {
	w.t.Helper()
	content, _ := fields.(string)
	if content == "" && fields != nil {
		encoded, err := json.Marshal(fields)
		if err != nil {
			w.t.Fatal(err)
		}
		content = string(encoded)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Authorization", authorization)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}
	}
	got := reply{status: response.StatusCode, body: string(body)}
	_ = json.Unmarshal(body, &got.fields)
	return got
}

func (w *world) logIn(password string) reply {
	w.t.Helper()
	return w.call(http.MethodPost, "/v1/token", "", map[string]string{"username": systemID, "password": password})
}

// token logs in with a password that has to be right.
func (w *world) token(password string) string {
	w.t.Helper()
	got := w.logIn(password)
	if got.status != http.StatusOK || got.text("access_token") == "" {
		w.t.Fatalf("the password is refused: %d %s", got.status, got.body)
	}
	return got.text("access_token")
}

func (w *world) change(token, current, next string) reply {
	w.t.Helper()
	return w.call(http.MethodPost, "/v1/change-password", "ignored", map[string]any{
		"accessToken": token, "currentPassword": current, "newPassword": next, "unknown": []int{1},
	})
}

func (w *world) events(authorization, query string) reply {
	w.t.Helper()
	return w.call(http.MethodGet, "/v2/events"+query, authorization, nil)
}

func (w *world) ledger() admin.MessagesLedger {
	w.t.Helper()
	ledger, err := w.service.Ledger(systemID)
	if err != nil {
		w.t.Fatal(err)
	}
	return ledger
}

func (w *world) works(password string) bool {
	w.t.Helper()
	verdict, err := w.service.Verify(systemID, password)
	if err != nil {
		w.t.Fatal(err)
	}
	return verdict.Current
}

func (w *world) script(fault admin.MessagesFault) {
	w.t.Helper()
	if err := fault.Validate(); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.service.Script(fault); err != nil {
		w.t.Fatal(err)
	}
}

// want fails the test unless a response has a status and a reason; none is asked for where reason is empty.
func (w *world) want(claim string, got reply, status int, reason string) {
	w.t.Helper()
	if got.status != status || !strings.Contains(got.text("reason"), reason) {
		w.t.Errorf("%s: %d %s, want %d %q", claim, got.status, got.body, status, reason)
	}
}

// password is one that the policy allows, and another for every number.
func password(number int) string { return fmt.Sprintf("Another-password-of-the-API-%06d", number) }

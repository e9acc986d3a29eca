package review_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	testclock "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/kube/review"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const path = "/metrics"

// page is one that is protected, behind a line to the API server that counts, holds and breaks.
type page struct {
	t       *testing.T
	clock   *testclock.FakeClock
	handler http.Handler
	log     bytes.Buffer

	asked atomic.Int32
	hold  chan struct{}
	cut   atomic.Bool
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (p *page) RoundTrip(request *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	if p.hold != nil {
		<-p.hold
	}
	if p.cut.Load() {
		return nil, errCut
	}
	return p.next.RoundTrip(request)
}

var errCut = errors.New("the line is cut")

// newPage is one behind the rights of a user, an administrator's if that is empty.
func newPage(t *testing.T, user string) *page {
	t.Helper()
	p := &page{t: t, clock: testclock.NewFakeClock(time.Now())}
	connection := rest.CopyConfig(server.Config)
	connection.QPS = -1
	connection.Impersonate = rest.ImpersonationConfig{UserName: user}
	connection.Wrap(func(next http.RoundTripper) http.RoundTripper {
		p.next = next
		return p
	})
	guard := must.Get(review.New(connection, must.Get(rest.HTTPClientFor(connection))(t), p.clock))(t)
	log := logr.FromSlogHandler(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.Level(-9)}))
	p.handler = guard.Protect(log, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the page sees the token")
		}
		fmt.Fprint(w, "varmenne_orders 1")
	}))
	return p
}

// get is what a caller gets who sends an Authorization header.
func (p *page) get(authorization string) *http.Response {
	p.t.Helper()
	request := httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, path, http.NoBody)
	request.Header.Set("Authorization", authorization)
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, request)
	if told := answer.Code == http.StatusOK; told != (answer.Body.String() == "varmenne_orders 1") {
		p.t.Errorf("HTTP %d, and the page %q", answer.Code, answer.Body)
	}
	return answer.Result()
}

// expect sees which status a token gets, and how often the API server is asked for it.
func (p *page) expect(token string, status int, questions int32) {
	p.t.Helper()
	p.asked.Store(0)
	response := p.get("Bearer " + token)
	if response.StatusCode != status || p.asked.Load() != questions {
		p.t.Errorf("HTTP %d after %d questions, want %d after %d", response.StatusCode, p.asked.Load(), status, questions)
	}
}

// account makes a ServiceAccount and returns its name as a subject, and a token of its.
func account(t *testing.T, namespace, name string) (rbacv1.Subject, string) {
	t.Helper()
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	server.Create(t, object)
	request := &authenticationv1.TokenRequest{}
	must.Do(t, server.Client.SubResource("token").Create(t.Context(), object, request))
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}, request.Status.Token
}

// allow lets a subject get the path, until revoked.
func allow(t *testing.T, namespace string, subject rbacv1.Subject) (revoke func()) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: namespace + "-reader"},
		Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{path}, Verbs: []string{"get"}}}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: role.ObjectMeta, Subjects: []rbacv1.Subject{subject},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name}}
	server.Create(t, role, binding)
	return func() { must.Do(t, server.Client.Delete(context.WithoutCancel(t.Context()), binding)) }
}

// reader is an account that may read the page, with its namespace; the page has been read with its token.
func reader(t *testing.T, p *page) (token string, revoke func()) {
	t.Helper()
	namespace := server.Namespace(t)
	subject, token := account(t, namespace, "reader")
	revoke = allow(t, namespace, subject)
	p.await(token, http.StatusOK)
	return token, revoke
}

// await waits until a token gets a status: the API server learns of roles by a watch of its own.
func (p *page) await(token string, status int) {
	p.t.Helper()
	const often, long = 50 * time.Millisecond, 30 * time.Second
	err := wait.PollUntilContextTimeout(p.t.Context(), often, long, true, func(context.Context) (bool, error) {
		p.clock.Step(time.Minute)
		return p.get("Bearer "+token).StatusCode == status, nil //nolint:contextcheck // it takes the test's
	})
	must.Do(p.t, err)
}

func TestWhoeverMayGetThePathReadsIt(t *testing.T) {
	p := newPage(t, "")
	token, revoke := reader(t, p)
	p.expect(token, http.StatusOK, 0)
	p.clock.Step(time.Minute - time.Second)
	p.expect(token, http.StatusOK, 0)
	revoke()
	p.clock.Step(time.Second)
	p.await(token, http.StatusForbidden)
}

func TestOthersGetNothingAndAreAskedForOnce(t *testing.T) {
	p := newPage(t, "")
	_, stranger := account(t, server.Namespace(t), "stranger")
	for claim, c := range map[string]struct {
		token     string
		status    int
		questions int32
	}{
		"a token that the API server does not know": {"none", http.StatusUnauthorized, 1},
		"somebody who may not":                      {stranger, http.StatusForbidden, 2},
	} {
		t.Run(claim, func(t *testing.T) {
			p.expect(c.token, c.status, c.questions)
			p.expect(c.token, c.status, 0)
			p.clock.Step(11 * time.Second)
			p.expect(c.token, c.status, c.questions)
		})
	}
	if strings.Contains(p.log.String(), stranger) {
		t.Error("a token is in the log")
	}
}

func TestWhatIsNoTokenIsNotAskedFor(t *testing.T) {
	p := newPage(t, "")
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer  x", "Basic eDp5", "x", "Bearer " + strings.Repeat("x", 1<<15),
	} {
		response := p.get(header)
		if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%.20q: HTTP %d, %v", header, response.StatusCode, response.Header)
		}
	}
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody))
	if answer.Code != http.StatusMethodNotAllowed || p.asked.Load() != 0 {
		t.Errorf("a POST: HTTP %d; %d questions", answer.Code, p.asked.Load())
	}
}

func TestWhereTheAPIServerCannotBeAskedNobodyNewIsLetIn(t *testing.T) {
	p := newPage(t, "")
	token, _ := reader(t, p)
	p.cut.Store(true)
	p.expect(token, http.StatusOK, 0)
	p.clock.Step(time.Minute)
	p.expect(token, http.StatusServiceUnavailable, 1)
	p.expect("another", http.StatusServiceUnavailable, 1)
	p.cut.Store(false)
	p.expect(token, http.StatusOK, 2) // a failure is no answer, and not kept
	must.Contain(t, p.log.String(), errCut.Error())
	if strings.Contains(p.log.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestAMissingPermissionIsSaid(t *testing.T) {
	p := newPage(t, "system:serviceaccount:varmenne-issuer:varmenne-issuer")
	p.expect("any", http.StatusServiceUnavailable, 1)
	must.Contain(t, p.log.String(), "tokenreviews")
}

func TestManyUnknownTokensAreNotAskedForAndLeaveReadersAlone(t *testing.T) {
	p := newPage(t, "")
	token, _ := reader(t, p)
	p.clock.Step(time.Minute)
	p.asked.Store(0)
	refused := 0
	for i := range 2000 {
		if p.get(fmt.Sprintf("Bearer stranger-%d", i)).StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if asked := p.asked.Load(); asked != 20 || refused != 1980 {
		t.Errorf("%d questions, %d callers put off", asked, refused)
	}
	p.expect(token, http.StatusOK, 2)
	p.clock.Step(time.Second)
	p.expect("stranger-late", http.StatusUnauthorized, 1)
}

func TestOneTokenIsAskedForOnceAtATime(t *testing.T) {
	p := newPage(t, "")
	p.hold = make(chan struct{})
	const callers = 50
	var group, begun sync.WaitGroup
	begun.Add(callers)
	for range callers {
		group.Go(func() {
			begun.Done()
			if got := p.get("Bearer none").StatusCode; got != http.StatusUnauthorized {
				t.Errorf("HTTP %d", got)
			}
		})
	}
	begun.Wait()
	close(p.hold)
	group.Wait()
	if asked := p.asked.Load(); asked != 1 {
		t.Errorf("%d questions", asked)
	}
}

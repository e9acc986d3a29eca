package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func newRequest(t *testing.T) *cmapi.CertificateRequest {
	t.Helper()
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace(t), Name: "tax-1"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte("not looked at"),
			IssuerRef: cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"},
		},
	}
	server.Create(t, request)
	return request
}

func read(t *testing.T, object client.Object) *cmapi.CertificateRequest {
	t.Helper()
	request := &cmapi.CertificateRequest{}
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(object), request))
	return request
}

// approve is what another controller does in the meantime.
func approve(t *testing.T, request *cmapi.CertificateRequest) {
	t.Helper()
	latest := read(t, request)
	status.Set(latest, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Policy", "fine", now)
	must.Do(t, server.Client.Status().Update(t.Context(), latest))
}

func TestPatchDoesNotLoseWhatOthersWrote(t *testing.T) {
	request := newRequest(t)
	before := request.DeepCopy()
	approve(t, request)
	status.SetPending(request, "waits", now)
	err := status.Patch(t.Context(), server.Client, request, before)
	if !apierrors.IsConflict(err) {
		t.Fatalf("a patch that was made from an older list says %v, want a conflict", err)
	}
	latest := read(t, request)
	if !conditions.IsTrue(latest, cmapi.CertificateRequestConditionApproved) || conditions.ReadyMessage(latest) != "" {
		t.Fatalf("the conditions are %+v", latest.Status.Conditions)
	}
	before = latest.DeepCopy()
	status.SetPending(latest, "waits", now)
	must.Do(t, status.Patch(t.Context(), server.Client, latest, before))
	latest = read(t, request)
	if !conditions.IsTrue(latest, cmapi.CertificateRequestConditionApproved) ||
		conditions.ReadyMessage(latest) != "waits" {
		t.Errorf("the conditions are %+v", latest.Status.Conditions)
	}
}

func TestPatchWritesOnlyWhatHasChanged(t *testing.T) {
	request := newRequest(t)
	version := request.ResourceVersion
	must.Do(t, status.Patch(t.Context(), server.Client, request, request.DeepCopy()))
	if got := read(t, request).ResourceVersion; got != version {
		t.Errorf("nothing had changed, and version %s has become %s", version, got)
	}
	before := request.DeepCopy()
	status.SetPending(request, "waits", now)
	must.Do(t, status.Patch(t.Context(), server.Client, request, before))
	if got := read(t, request); got.ResourceVersion == version || request.ResourceVersion != got.ResourceVersion {
		t.Errorf("version %s is still %s, and the object says %s", version, got.ResourceVersion, request.ResourceVersion)
	}
}

func TestPatchOfWhatIsGone(t *testing.T) {
	request := newRequest(t)
	must.Do(t, server.Client.Delete(t.Context(), request))
	before := request.DeepCopy()
	status.SetPending(request, "waits", now)
	if err := status.Patch(t.Context(), server.Client, request, before); !apierrors.IsNotFound(err) {
		t.Errorf("the error is %v, want that it is not found", err)
	}
}

func TestPatchEndsWithItsContext(t *testing.T) {
	request := newRequest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := request.DeepCopy()
	status.SetPending(request, "waits", now)
	if err := status.Patch(ctx, server.Client, request, before); err == nil {
		t.Error("no error")
	}
}

func TestWhatLastsIsTold(t *testing.T) {
	orders := schema.GroupResource{Group: "varmenne.dev", Resource: "veroorders"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for claim, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":                      {nil, false},
		"a missing permission":         {apierrors.NewForbidden(orders, "a", errors.New("RBAC")), true},
		"a webhook that cannot answer": {apierrors.NewInternalError(errors.New("failed calling webhook")), true},
		"what does not fit together":   {errors.New("status.certificate is for another key"), true},
		"also one that was wrapped":    {fmt.Errorf("create: %w", apierrors.NewForbidden(orders, "a", nil)), true},
		"somebody else who was faster": {apierrors.NewConflict(orders, "a", nil), false},
		"what is gone":                 {apierrors.NewNotFound(orders, "a"), false},
		"a busy API server":            {apierrors.NewTooManyRequests("later", 1), false},
		"an API server that is away":   {&url.Error{Op: "Get", URL: "https://127.0.0.1", Err: io.EOF}, false},
		"a response that breaks off":   {fmt.Errorf("read the body: %w", io.ErrUnexpectedEOF), false},
		"an etcd that elects a leader": {
			&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusInternalServerError}}, false,
		},
		"an API server that is stopped": {apierrors.NewServiceUnavailable("shutting down"), false},
		"a call that took too long":     {fmt.Errorf("get: %w", context.DeadlineExceeded), false},
	} {
		if got := status.Lasts(t.Context(), c.err); got != c.want {
			t.Errorf("%s lasts: %t, want %t", claim, got, c.want)
		}
		if status.Lasts(ended, c.err) {
			t.Errorf("%s lasts for a controller that is being stopped", claim)
		}
	}
}

// TestAPatchOfARequestHasWhatWasChanged, also what was removed, and nothing else.
func TestAPatchOfARequestHasWhatWasChanged(t *testing.T) {
	request := newRequest(t)
	before := request.DeepCopy()
	status.SetFailed(request, false, "it has failed", now)
	request.Status.Certificate = []byte("chain")
	must.Do(t, status.Patch(t.Context(), server.Client, request, before))
	before = request.DeepCopy()
	request.Status.FailureTime, request.Status.CA = nil, []byte("root")
	status.SetPending(request, "it has not", now)
	want := request.DeepCopy()
	must.Do(t, status.Patch(t.Context(), server.Client, request, before))
	if got := read(t, request); !status.Equal(got.Status, want.Status) || !status.Equal(request, got) {
		t.Errorf("it is %+v, want %+v", got.Status, want.Status)
	}
	before.ResourceVersion = ""
	if err := status.Patch(t.Context(), server.Client, request, before); err == nil {
		t.Error("who does not know what it was has changed it")
	}
}

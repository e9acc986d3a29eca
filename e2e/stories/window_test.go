package stories

import (
	"bytes"
	"context"
	"maps"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
)

// early certificates are asked to be renewed 105 seconds before the service does it, as cert-manager does it half a
// year before.
var early = span{life: 4 * time.Minute, window: 2 * time.Minute, renewBefore: 225 * time.Second}

// closedWindow is the test case of a renewal that comes too early and waits for its date.
type closedWindow struct {
	*testCase

	first *issued
	// since is when the first certificate was there, opens the date on which it can be renewed.
	since, opens time.Time
	// request waits for that date, and says so.
	request *cmapi.CertificateRequest
	says    []string
	// secret is as it was when the request began to wait; caller uses it all the time.
	secret *corev1.Secret
	caller *caller
}

// awaitClosed waits until cert-manager has asked for the renewal, and is answered when it will come and how to be
// spared the wait.
func (w *closedWindow) awaitClosed() {
	w.Helper()
	w.first, w.since = w.awaitFirst(), time.Now()
	w.opens = w.first.chain[0].NotAfter.Add(-early.window)
	w.says = []string{
		"can be renewed from " + w.opens.UTC().Format(time.RFC3339), "stays in use until then",
		"set spec.renewBefore of the Certificate to " + early.window.String() + " or less",
	}
	w.request = w.awaitPending(certificateName, w.says...)
	w.awaitEvent("CertificateRequest", w.request.Name, corev1.EventTypeNormal, v1alpha1.ReasonWaitingForWindow, w.says...)
	w.secret = w.readSecret(w.secretKey().Name)
	w.caller = w.keepCalling()
}

// provoke makes the controller look at the request once more.
func (w *closedWindow) provoke() {
	w.Helper()
	w.awaitSecretRead(w.secret.Name, 1, func() {
		tenant.Edit(w.Tenant, w.request, func(request *cmapi.CertificateRequest) { request.Annotations["provoked"] = "yes" })
	})
}

// isUntouched fails the test case if anything has happened but waiting.
func (w *closedWindow) isUntouched() {
	w.Helper()
	w.isReportedOnce()
	if pending := w.awaitPending(certificateName, w.says...); pending.UID != w.request.UID {
		w.Errorf("request %s waits, want the one of before, %s", pending.Name, w.request.Name)
	}
	secret := w.readSecret(w.secret.Name)
	if secret.ResourceVersion != w.secret.ResourceVersion || !maps.EqualFunc(secret.Data, w.secret.Data, bytes.Equal) {
		w.Error("the Secret has changed while the window was closed")
	}
	if renewals := w.Asked(renew); len(renewals) > 0 {
		w.Errorf("the service was asked before the window opened: %+v", renewals)
	}
}

// isReportedOnce fails the test case if there is another event about the wait, or the one was repeated.
func (w *closedWindow) isReportedOnce() {
	w.Helper()
	messages := w.reportedOnce("CertificateRequest", w.request.Name, v1alpha1.ReasonWaitingForWindow)
	if len(messages) > 1 {
		w.Errorf("the wait was reported more than once: %q", messages)
	}
}

// opensOnItsDate is how the test case ends: the very request that has waited is satisfied, as soon as that is possible.
func (w *closedWindow) opensOnItsDate(t *testing.T) {
	t.Helper()
	const promptly = 45 * time.Second // of the two minutes that are left
	s := w.on(t)
	second := s.awaitRenewed(w.first)
	second.isFor(s, w.request)
	w.isReportedOnce()
	line := s.lineOf(w.first)
	if after := line[1].Time.Sub(w.opens); after < 0 || after > promptly {
		s.Errorf("the renewal was asked for %s after the window opened, want within %s", after, promptly)
	}
	for _, request := range s.Asked("") {
		if request.Time.After(w.since) && request.Time.Before(w.opens) {
			s.Errorf("this has reached the service while the window was closed: %+v", request)
		}
	}
	s.spentOnce()
	s.Eventually("the renewed certificate: in use", func(context.Context) (bool, error) {
		return len(w.caller.soFar()) > 1, nil
	})
	presented := w.caller.conclude(s)
	if before := (presentation{line[0].CertificateSerial, w.secret.ResourceVersion}); len(presented) < 2 ||
		presented[0] != before || presented[1].serial != line[1].CertificateSerial {
		s.Errorf("the Secret went through %+v, want %+v and then the renewed certificate", presented, before)
	}
}

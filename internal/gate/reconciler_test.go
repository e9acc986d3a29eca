package gate_test

import (
	"fmt"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// limit takes the right to read Secrets from the controller, as RBAC does. What it returns gives it back.
func (r *renewal) limit() (restore func()) {
	r.Helper()
	limited := server.Limited(r.T, rbacv1.PolicyRule{
		APIGroups: []string{"cert-manager.io", "varmenne.dev"}, Resources: []string{"*"}, Verbs: []string{"*"}})
	r.uses(limited, limited)
	return func() { r.uses(server.Client, server.Client) }
}

// reconcileWithError wants an error, because of which the controller tries again.
func (r *renewal) reconcileWithError() {
	r.Helper()
	name := client.ObjectKeyFromObject(r.request)
	if _, err := r.reconciler.Reconcile(r.Context(), reconcile.Request{NamespacedName: name}); err == nil {
		r.Error("there is no error")
	}
	must.Do(r, server.Client.Get(r.Context(), name, r.request))
}

// prepared is a renewal whose key cert-manager has in preparation, and that is approved.
func prepared(t *testing.T) *renewal {
	t.Helper()
	r := renew(t)
	r.certificate.Status.NextPrivateKeySecretName = new("tax-next")
	r.issuing(true)
	r.request.Spec.Request = signingRequest(t, pkitest.Key("next"))
	must.Do(t, server.Client.Update(t.Context(), r.request))
	status.Set(r.request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Test", "", r.clock.Now())
	must.Do(t, server.Client.Status().Update(t.Context(), r.request))
	return r
}

func TestARenewalThatThePermissionsHinderIsReported(t *testing.T) {
	r := prepared(t)
	restore := r.limit()
	const said = "with the next private key of Certificate tax may not be read by the controller: allow its " +
		"ServiceAccount to get Secrets in namespace "
	r.reconcileWithError()
	r.says("", "", "Warning ClusterError Secret "+r.request.Namespace+"/tax-next "+said)
	r.reconcileWithError()
	r.says("", "")
	r.clock.Step(11 * time.Minute)
	r.reconcileWithError()
	r.says(v1alpha1.ReasonClusterError, said, said)

	restore()
	r.reconcile()
	r.says(v1alpha1.ReasonIssuerNotFound, "vero does not exist", "vero does not exist")
}

// TestAnErrorIsNotReportedAtEveryTry: what is written brings the request back at once.
func TestAnErrorIsNotReportedAtEveryTry(t *testing.T) {
	r := prepared(t)
	tries := 0
	// It stands for a webhook whose error has the port of a connection in it.
	r.reconciler.Reader = apitest.Unreadable{Client: server.Client, Refusal: func(object client.Object) error {
		if _, isSecret := object.(*corev1.Secret); !isSecret {
			return nil
		}
		return apierrors.NewInternalError(fmt.Errorf("read tcp 127.0.0.1:%d: connection reset", tries))
	}}
	try := func() { tries++; r.reconcileWithError() }
	try()
	r.says("", "", "127.0.0.1:1: connection reset")
	version := r.request.ResourceVersion
	for range 5 {
		try()
	}
	r.says("", "")
	if r.request.ResourceVersion != version {
		t.Errorf("after %d tries, something was written", tries)
	}
	r.clock.Step(status.ReportInterval)
	try()
	r.says(v1alpha1.ReasonClusterError, "127.0.0.1:7", "127.0.0.1:7", "Warning RenewalFailing")
}

func TestARenewalIsFollowedWhileItsSecretIsGone(t *testing.T) {
	r := renew(t)
	r.clock.Step(11 * time.Minute)
	r.reconcile()
	r.says(v1alpha1.ReasonWaitingForApproval, "in less than 30 days", "no approver", "in less than 30 days")

	notBefore, notAfter := r.certificate.Status.NotBefore, r.certificate.Status.NotAfter
	r.certificate.Status.NotBefore, r.certificate.Status.NotAfter = nil, nil
	r.issuing(true)
	result := r.reconcile()
	r.says("", "")
	if result.RequeueAfter != 10*time.Minute {
		t.Errorf("it is looked at again after %s, want 10 minutes", result.RequeueAfter)
	}
	r.holds(notBefore.Time, notAfter.Time)
	r.reconcile()
	r.says(v1alpha1.ReasonWaitingForApproval, "in less than 30 days", "in less than 30 days")
}

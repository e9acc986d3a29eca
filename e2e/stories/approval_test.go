package stories

import (
	"context"
	_ "embed"
	"strings"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// noApprover keeps somebody from approving in a namespace.
//
//go:embed testdata/no-approver.yaml
var noApprover string

// approver is who approves requests where nobody keeps it from that.
const approver = "system:serviceaccount:cert-manager:cert-manager"

func TestADeniedRequestEndsWithoutAnythingSent(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withoutApprover()
	request := s.bareRequest(2048)
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), request)
	s.awaitIssuer(v1alpha1.ReasonChecked)
	s.decide(request, cmapi.CertificateRequestConditionDenied)
	await(s, request, "denied", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonDenied, "denied", "nothing was sent") &&
			request.Status.FailureTime != nil
	})
	s.awaitEvent("CertificateRequest", request.Name, corev1.EventTypeWarning, v1alpha1.ReasonDenied)
	s.nothingHappened()
}

func TestARequestThatNobodyApprovesSaysWhatTheApproverNeeds(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withoutApprover()
	request := s.bareRequest(2048)
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), request)
	await(s, request, "waiting for an approval", func(request *cmapi.CertificateRequest) bool {
		return isNotReady(request, cmapi.CertificateRequestReasonPending, "no approver has approved",
			"veroissuers.varmenne.dev/*", "veroclusterissuers.varmenne.dev/*")
	})
	s.nothingHappened()

	s.decide(request, cmapi.CertificateRequestConditionApproved)
	await(s, request, "issued", func(request *cmapi.CertificateRequest) bool {
		return cmutil.CertificateRequestReadyReason(request) == cmapi.CertificateRequestReasonIssued
	})
	found := must.Get(s.verify(request.Status.Certificate, request.Status.CA))(t)
	if !keyOf(s, request).Equal(found.chain[0].PublicKey) {
		t.Error("the certificate is for another key")
	}
	s.spentOnce()
}

// decide approves or denies a request as the administrator.
func (s *testCase) decide(request *cmapi.CertificateRequest, decision cmapi.CertificateRequestConditionType) {
	s.Helper()
	editStatus(s, request, func(request *cmapi.CertificateRequest) {
		cmutil.SetCertificateRequestCondition(request, decision, cmmeta.ConditionTrue, "Test", "decided by a person")
	})
}

// editStatus changes the status of an object as the administrator, and leaves it as the API server has it.
func editStatus[T client.Object](s *testCase, object T, change func(T)) {
	s.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := s.Client.Get(s.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return s.Client.Status().Update(s.Context(), object)
	})
	if err != nil {
		s.Fatalf("changing the status of %T %s: %v", object, object.GetName(), err)
	}
}

// withoutApprover keeps cert-manager's approver from the test case's namespace.
func (s *testCase) withoutApprover() {
	s.Helper()
	const refusal = "nobody approves here"
	manifest := strings.NewReplacer("NAMESPACE", s.Namespace, "APPROVER", approver, "REFUSAL", refusal).
		Replace(noApprover)
	must.Do(s, s.Cluster.ApplyYAML(s.Context(), []byte(manifest)))
	s.awaitRefusal(refusal)
}

// awaitRefusal waits until the API server refuses what the approver writes. It takes up a new policy after a second
// or so.
func (s *testCase) awaitRefusal(refusal string) {
	s.Helper()
	probe := s.bareRequest(2048)
	probe.Name = "probe"
	probe.Spec.IssuerRef = cmmeta.IssuerReference{Group: "probe.invalid", Kind: "Probe", Name: "probe"}
	s.Create(probe)
	impersonator := must.Get(s.Cluster.ClientAs(approver))(s)
	s.Eventually("approvals to be refused", func(ctx context.Context) (bool, error) {
		if err := s.Client.Get(ctx, client.ObjectKeyFromObject(probe), probe); err != nil {
			return false, err
		}
		err := impersonator.Status().Update(ctx, probe.DeepCopy(), client.DryRunAll)
		if apierrors.IsForbidden(err) && strings.Contains(err.Error(), refusal) {
			return true, nil
		}
		return false, client.IgnoreNotFound(err)
	})
	s.Remove(probe)
}

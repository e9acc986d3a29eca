package cluster_test

import (
	"os"
	"strings"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// certificate asks an issuer of a group that cert-manager does not know for a certificate.
const certificate = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop, annotations: {example.invalid/kept: "yes"}}
spec:
  secretName: web
  commonName: 0123456-7
  issuerRef: {group: example.invalid, kind: StrangeIssuer, name: stranger}
`

const grant = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: approve-strange-issuers}
rules:
- apiGroups: [cert-manager.io]
  resources: [signers]
  verbs: [approve]
  resourceNames: [strangeissuers.example.invalid/*]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: approve-strange-issuers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: approve-strange-issuers}
subjects:
- {kind: ServiceAccount, name: cert-manager, namespace: cert-manager}
`

func TestCertManagerApprovesRequestsOfAnExternalIssuerOnlyWhenItMay(t *testing.T) {
	t.Parallel()
	c := cluster.ForTest(t, cluster.Options{})
	must.Do(t, c.InstallCertManager(t.Context()))
	apply(t, c, certificate)

	request := &cmapi.CertificateRequest{}
	key := client.ObjectKey{Namespace: "shop", Name: "web-1"}
	get := func() bool { return c.Client().Get(t.Context(), key, request) == nil }
	eventually(t, "cert-manager to create a CertificateRequest", get)
	if request.Annotations["example.invalid/kept"] != "yes" {
		t.Errorf("the Certificate's annotation is missing on the request: %v", request.Annotations)
	}
	const refusal = "may not approve or deny requests to strangeissuers.example.invalid/shop.stranger"
	eventually(t, "cert-manager's approver to be refused", func() bool {
		content, err := os.ReadFile(c.Process(cluster.CertManager).LogFile())
		return err == nil && strings.Contains(string(content), refusal)
	})
	if get(); cmutil.CertificateRequestIsApproved(request) {
		t.Fatal("the request is approved without permission")
	}

	apply(t, c, grant)
	// A restart makes it try at once; by itself it would come back after some seconds.
	must.Do(t, c.StopCertManager())
	must.Do(t, c.StartCertManager(t.Context()))
	eventually(t, "the approval", func() bool { return get() && cmutil.CertificateRequestIsApproved(request) })
	testThatTheRequestIsFixed(t, c.Client(), request)
}

func testThatTheRequestIsFixed(t *testing.T, admin client.Client, request *cmapi.CertificateRequest) {
	t.Helper()
	for claim, change := range map[string]func(*cmapi.CertificateRequest) error{
		"an approval cannot be taken back": func(changed *cmapi.CertificateRequest) error {
			changed.Status.Conditions = nil
			return admin.Status().Update(t.Context(), changed)
		},
		"an approved request cannot be denied": func(changed *cmapi.CertificateRequest) error {
			cmutil.SetCertificateRequestCondition(changed,
				cmapi.CertificateRequestConditionDenied, cmmeta.ConditionTrue, "Test", "")
			return admin.Status().Update(t.Context(), changed)
		},
		"the spec cannot be changed": func(changed *cmapi.CertificateRequest) error {
			changed.Spec.IssuerRef.Name = "other"
			return admin.Update(t.Context(), changed)
		},
	} {
		if err := change(request.DeepCopy()); !apierrors.IsForbidden(err) {
			t.Errorf("%s: got %v, want Forbidden", claim, err)
		}
	}
	cmutil.SetCertificateRequestCondition(request,
		cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, cmapi.CertificateRequestReasonPending, "Test")
	if err := admin.Status().Update(t.Context(), request); err != nil {
		t.Errorf("another condition can be set: %v", err)
	}
}

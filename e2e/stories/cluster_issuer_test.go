package stories

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// controllerNamespace is the controller's own, in which the bundles of cluster issuers are.
const controllerNamespace = "varmenne-issuer"

// One organization, two teams: they share the issuer and the customer id, and neither sees credentials or keys of the
// other one.
func TestAClusterIssuerRenewsInEachNamespaceWithTheCertificateOfThatNamespace(t *testing.T) {
	t.Parallel()
	here := quick.begin(t)
	teams := []*testCase{here, here.secondNamespace()}
	trust, issuer := here.clusterIssuer(quick.issuer(here))
	here.Create(trust, issuer)
	bought := map[string]bool{}
	for _, team := range teams {
		certificate, sent := quick.certificate(team), team.Mint()
		certificate.Spec.IssuerRef.Kind, certificate.Spec.IssuerRef.Name = issuer.IssuerKind(), issuer.Name
		team.Create(team.Credentials(sent), certificate)
		bought[sent.TransferID] = true
	}
	firsts := make([]*issued, 0, len(teams))
	for _, team := range teams {
		firsts = append(firsts, team.awaitFirst())
	}

	owner := map[string]string{}
	for i, team := range teams {
		team.awaitRenewals(firsts[i], 1)
		line := team.awaitKeys(firsts[i], 2)
		for _, order := range line {
			if other, known := owner[boughtKey(order)]; known && other != team.Namespace {
				t.Errorf("%s has a key in common with %s: %+v", team.Namespace, other, order)
			}
			owner[boughtKey(order)] = team.Namespace
		}
		if !bought[line[0].TransferID] {
			t.Errorf("%s: its certificate was bought with TransferId %s", team.Namespace, line[0].TransferID)
		}
		delete(bought, line[0].TransferID)
	}
	if submissions := here.submissions(); len(submissions) != len(teams) {
		t.Errorf("the service was sent %+v, want one SignNewCertificate from each namespace", submissions)
	}
}

// secondNamespace is another namespace whose certificates come from the same service.
func (s *testCase) secondNamespace() *testCase {
	s.Helper()
	other := &testCase{Tenant: s.In(namespaceFor(s.Name())), ledger: s.ledger, eventLog: s.eventLog}
	s.Create(other.NamespaceObject())
	return other
}

// clusterIssuer is an issuer made available to all namespaces, with its bundles.
func (s *testCase) clusterIssuer(issuer *v1alpha1.VeroIssuer) (*corev1.ConfigMap, *v1alpha1.VeroClusterIssuer) {
	s.Helper()
	trust := s.Trust()
	trust.Namespace, trust.Name = controllerNamespace, s.Namespace
	spec := issuer.Spec
	for _, source := range []*v1alpha1.BundleSource{spec.Trust.TLS, &spec.Trust.Responses, &spec.Trust.Issuance} {
		source.ConfigMapKeyRef.Name = trust.Name
	}
	return trust, &v1alpha1.VeroClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}, Spec: spec}
}

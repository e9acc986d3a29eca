package chart_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/discovery"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestClusterRolesHoldOnlyClusterScopedKinds asks the API server which kinds those are.
func TestClusterRolesHoldOnlyClusterScopedKinds(t *testing.T) {
	c := shared.Get(t)
	installDefinitions(t, c)
	namespaced := resources(t, c)
	for name, values := range settings(t) {
		for _, p := range permissions(t, render(t, values), releaseName) {
			inNamespace, served := namespaced[p.group+"/"+p.resource]
			if !served {
				t.Errorf("%s: the API server does not know %+v", name, p)
			}
			if values["watchNamespaces"] != nil && inNamespace && p.namespace == everywhere {
				t.Errorf("%s: everywhere the controller may %+v", name, p)
			}
		}
	}
}

// resources are those that the API server serves, and whether they are in namespaces.
func resources(t *testing.T, c *cluster.Cluster) map[string]bool {
	t.Helper()
	served := must.Get(discovery.NewDiscoveryClientForConfig(c.RESTConfig()))(t)
	_, lists, err := served.ServerGroupsAndResources()
	must.Do(t, err)
	namespaced := map[string]bool{}
	for _, list := range lists {
		group, _, grouped := strings.Cut(list.GroupVersion, "/")
		if !grouped {
			group = ""
		}
		for _, resource := range list.APIResources {
			namespaced[group+"/"+resource.Name] = resource.Namespaced
		}
	}
	return namespaced
}

// question is one that the authorizer of the API server is asked.
type question struct {
	account, verb, group, resource, name, namespace string
}

func (q question) String() string {
	return fmt.Sprintf("%s %s %s.%s/%s in %q", q.account, q.verb, q.resource, q.group, q.name, q.namespace)
}

// TestTheAuthorizerAgrees installs the chart and asks who may do what.
func TestTheAuthorizerAgrees(t *testing.T) {
	c := shared.Get(t)
	for _, namespace := range []string{"tax-reporting", "payroll", "others"} {
		ensureNamespace(t, c, namespace)
	}
	const controller = "system:serviceaccount:authorizer:varmenne-issuer"
	const approver = "system:serviceaccount:cert-manager:cert-manager"
	for setting, responses := range map[string]map[question]bool{
		"defaults": {
			{controller, "get", "", "secrets", "any", "others"}:                                          true,
			{controller, "list", "", "secrets", "", "others"}:                                            false,
			{controller, "list", "varmenne.dev", "veroissuers", "", ""}:                                  true,
			{controller, "get", "coordination.k8s.io", "leases", "varmenne-issuer", "authorizer"}:        true,
			{controller, "get", "coordination.k8s.io", "leases", "another", "authorizer"}:                false,
			{controller, "update", "coordination.k8s.io", "leases", "varmenne-issuer", "others"}:         false,
			{approver, "approve", "cert-manager.io", "signers", "veroissuers.varmenne.dev/*", ""}:        true,
			{approver, "approve", "cert-manager.io", "signers", "veroclusterissuers.varmenne.dev/*", ""}: true,
			{controller, "approve", "cert-manager.io", "signers", "veroissuers.varmenne.dev/*", ""}:      false,
		},
		"namespaces": {
			{controller, "get", "", "secrets", "any", "tax-reporting"}:                               true,
			{controller, "list", "", "secrets", "", "tax-reporting"}:                                 false,
			{controller, "watch", "", "secrets", "", "tax-reporting"}:                                false,
			{controller, "create", "", "secrets", "", "tax-reporting"}:                               false,
			{controller, "update", "", "secrets", "any", "tax-reporting"}:                            false,
			{controller, "list", "", "secrets", "", ""}:                                              false,
			{controller, "get", "", "secrets", "any", "kube-system"}:                                 false,
			{controller, "get", "varmenne.dev", "veroorders", "any", "tax-reporting"}:                true,
			{controller, "get", "varmenne.dev", "veroorders", "any", "others"}:                       false,
			{controller, "get", "varmenne.dev", "veroissuers", "any", "others"}:                      false,
			{controller, "list", "cert-manager.io", "certificates", "", "others"}:                    false,
			{controller, "get", "", "secrets", "any", "payroll"}:                                     false,
			{controller, "get", "", "secrets", "any", "others"}:                                      false,
			{controller, "watch", "cert-manager.io", "certificaterequests", "", "payroll"}:           true,
			{controller, "watch", "cert-manager.io", "certificaterequests", "", "others"}:            false,
			{controller, "watch", "cert-manager.io", "certificaterequests", "", ""}:                  false,
			{controller, "watch", "varmenne.dev", "veroclusterissuers", "", ""}:                      true,
			{controller, "create", "events.k8s.io", "events", "", "default"}:                         true,
			{controller, "get", "", "configmaps", "bundle", "authorizer"}:                            true,
			{controller, "get", "", "configmaps", "bundle", "others"}:                                false,
			{controller, "create", "authentication.k8s.io", "tokenreviews", "", ""}:                  false,
			{controller, "update", "coordination.k8s.io", "leases", "varmenne-issuer", "authorizer"}: true,
		},
	} {
		t.Run(setting, func(t *testing.T) {
			install(t, c, chart.Release{
				Name: releaseName, Namespace: "authorizer", Values: settings(t)[setting], Args: []string{takeOwnership},
			})
			agrees(t, c, responses)
		})
	}
}

// agrees waits for the authorizer to give these answers: the API server takes up new roles after a moment, and
// forgets old ones after one.
func agrees(t *testing.T, c *cluster.Cluster, responses map[question]bool) {
	t.Helper()
	var wrong []string
	testkit.Eventually(t, "the authorizer to agree", func(ctx context.Context) (bool, error) {
		wrong = nil
		for asked, want := range responses {
			got, err := allowed(ctx, c, asked)
			if err != nil {
				return false, err
			}
			if got != want {
				wrong = append(wrong, fmt.Sprintf("%s: %t, want %t", asked, got, want))
			}
		}
		return len(wrong) == 0, nil
	}, func() string { return strings.Join(wrong, "\n") })
}

func allowed(ctx context.Context, c *cluster.Cluster, q question) (bool, error) {
	resource, subresource, _ := strings.Cut(q.resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: q.account,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: q.verb, Group: q.group, Resource: resource, Subresource: subresource, Name: q.name, Namespace: q.namespace,
		},
	}}
	err := c.Client().Create(ctx, review)
	return review.Status.Allowed, err
}

package world_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const (
	watched = "watched"
	closed  = "closed" // watched, but without the permission to read its Secrets
	outside = "outside"
	// auditPolicy tells every request of the controller.
	auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [` + user + `]
- level: None
`
	user = "system:serviceaccount:varmenne-issuer:varmenne-issuer"
)

// The permissions are those that the chart renders for a list of namespaces, and metrics are for friends only.
func TestAControllerOfSomeNamespacesServesThemAndAsksForNothingElse(t *testing.T) {
	w := limited(t)
	for _, namespace := range []string{watched, closed, outside} {
		populate(t, w, namespace)
	}
	manual := map[string]*v1alpha1.ManualIssuer{
		watched: populateManual(t, w, watched), outside: populateManual(t, w, outside),
	}
	testkit.AwaitReady(t, w.Client, watched, tenant.CertificateName, nil)
	orders := &v1alpha1.VeroOrderList{}
	if err := w.Client.List(t.Context(), orders); err != nil || len(orders.Items) != 1 {
		t.Errorf("%d orders, error %v", len(orders.Items), err)
	}
	issuer := &v1alpha1.VeroIssuer{}
	err := w.Client.Get(t.Context(), client.ObjectKey{Namespace: outside, Name: tenant.IssuerName}, issuer)
	if err != nil || issuer.Status.ObservedGeneration != 0 {
		t.Errorf("the issuer outside was checked: %+v, error %v", issuer.Status, err)
	}
	checkManual(t, w, manual)
	checkEndpoint(t, w)
	checkMetrics(t, w)
	checkClosed(t, w)
	checkAudit(t, w)
}

// checkClosed: a request whose Secrets may not be read says so, and goes on when they may.
func checkClosed(t *testing.T, w *world.World) {
	t.Helper()
	const want = "may not be read by the controller: allow its ServiceAccount to get Secrets in namespace " + closed
	testkit.Eventually(t, "a request that says what is missing", func(ctx context.Context) (bool, error) {
		requests := &cmapi.CertificateRequestList{}
		if err := w.Client.List(ctx, requests, client.InNamespace(closed)); err != nil || len(requests.Items) != 1 {
			return false, err
		}
		return strings.Contains(conditions.ReadyMessage(&requests.Items[0]), want), nil
	}, nil)
	opened := metav1.ObjectMeta{Namespace: closed, Name: "opened"}
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: opened, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: opened, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: opened.Name},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		},
	} {
		must.Do(t, w.Client.Create(t.Context(), object))
	}
	testkit.AwaitReady(t, w.Client, closed, tenant.CertificateName, nil)
}

// checkEndpoint: the list of allowed endpoints binds also an administrator's issuer where a value says so.
func checkEndpoint(t *testing.T, w *world.World) {
	t.Helper()
	trust := must.Get(w.Service.Trust(t.Context(), "varmenne-issuer"))(t)
	issuer := &v1alpha1.VeroClusterIssuer{
		ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}, Spec: w.Service.Issuer("", tenant.CustomerID).Spec,
	}
	issuer.Spec.URL = "https://unlisted.invalid"
	for _, object := range []client.Object{trust, issuer} {
		must.Do(t, w.Client.Create(t.Context(), object))
	}
	testkit.Eventually(t, "an issuer whose endpoint is not allowed", func(ctx context.Context) (bool, error) {
		err := w.Client.Get(ctx, client.ObjectKeyFromObject(issuer), issuer)
		return testkit.ReasonOf(issuer.Status.Conditions) == v1alpha1.ReasonEndpointNotAllowed, err
	}, nil)
}

// limited is a world with two watched namespaces, of one of which the controller may read the Secrets.
func limited(t *testing.T) *world.World {
	t.Helper()
	policy := t.TempDir() + "/policy.yaml"
	must.Do(t, os.WriteFile(policy, []byte(auditPolicy), 0o600))
	w := must.Get(world.Start(t.Context(), world.Options{
		AuditPolicy: policy,
		Values: map[string]any{
			"watchNamespaces":  []string{watched, closed},
			"secretNamespaces": []string{watched, "varmenne-issuer"},
			"allowedEndpoints": map[string]any{"hosts": []string{"127.0.0.1:*"}, "cluster": true},
			"metrics": map[string]any{
				"secure": true, "readers": []map[string]any{{"namespace": watched, "name": "reader"}},
			},
		},
	}))(t)
	must.Cleanup(t, func() error { return w.End(t.Failed()) })
	return w
}

// populate gives a namespace all that a Certificate needs, and two accounts.
func populate(t *testing.T, w *world.World, namespace string) {
	t.Helper()
	n := &tenant.Tenant{T: t, World: w, Service: w.Service, Namespace: namespace}
	if namespace == outside {
		n.Create(n.NamespaceObject()) // The others came with the world.
	}
	for _, account := range []string{"reader", "stranger"} {
		n.Create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}})
	}
	n.Create(n.Trust(), n.Credentials(n.Mint()), n.Issuer(), n.Certificate())
}

// checkMetrics reads metrics as three callers.
func checkMetrics(t *testing.T, w *world.World) {
	t.Helper()
	for account, want := range map[string]int{
		"": http.StatusUnauthorized, "stranger": http.StatusForbidden, "reader": http.StatusOK,
	} {
		page := w.Replica(1).MetricsURL()
		request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, page, http.NoBody))(t)
		if account != "" {
			request.Header.Set("Authorization", "Bearer "+token(t, w, account))
		}
		asker := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // It is self-signed.
		}}
		response := must.Get(asker.Do(request))(t)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%q reads metrics: HTTP %d, want %d", account, response.StatusCode, want)
		}
	}
}

func token(t *testing.T, w *world.World, account string) string {
	t.Helper()
	file := must.Get(w.Cluster.ServiceAccountKubeconfig(t.Context(), watched, account))(t)
	config := must.Get(clientcmd.BuildConfigFromFlags("", file))(t)
	return config.BearerToken
}

// checkAudit looks for what the controller asked and was refused. What it may do is seen in e2e/chart.
func checkAudit(t *testing.T, w *world.World) {
	t.Helper()
	entries := must.Get(testkit.ReadAuditLog(w.Cluster.AuditLog(), user))(t)
	asked := 0
	for _, entry := range entries {
		if entry.User.Username != user {
			continue
		}
		asked++
		checkSelection(t, entry.RequestURI)
		expected := strings.HasPrefix(entry.RequestURI, "/api/v1/namespaces/"+closed+"/secrets/")
		if entry.ResponseStatus.Code == http.StatusForbidden && !expected {
			t.Errorf("refused: %s %s", entry.Verb, entry.RequestURI)
		}
	}
	if asked == 0 {
		t.Error("the audit log has nothing of the controller's")
	}
}

// checkSelection: of CertificateRequests, the controller asks for those of its own group only.
func checkSelection(t *testing.T, address string) {
	t.Helper()
	asked := must.Get(url.Parse(address))(t)
	if strings.HasSuffix(asked.Path, "/certificaterequests") &&
		asked.Query().Get("fieldSelector") != "spec.issuerRef.group=varmenne.dev" {
		t.Errorf("it asks for requests of others, too: %s", address)
	}
}

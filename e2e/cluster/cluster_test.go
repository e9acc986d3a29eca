package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	testkit.Eventually(t, what, func(context.Context) (bool, error) { return condition(), nil }, nil)
}

// apply applies YAML or fails the test.
func apply(t *testing.T, c *cluster.Cluster, manifest string) {
	t.Helper()
	must.Do(t, c.ApplyYAML(t.Context(), []byte(manifest)))
}

const account = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: reader, namespace: shop}
`

// readerOn makes the account, and connects as it.
func readerOn(t *testing.T, c *cluster.Cluster) client.Client {
	t.Helper()
	apply(t, c, account)
	kubeconfig := must.Get(c.ServiceAccountKubeconfig(t.Context(), "shop", "reader"))(t)
	config := must.Get(clientcmd.BuildConfigFromFlags("", kubeconfig))(t)
	return must.Get(client.New(config, client.Options{}))(t)
}

func TestServiceAccountMayDoWhatItsRolesSay(t *testing.T) {
	t.Parallel()
	c := cluster.ForTest(t, cluster.Options{})
	reader := readerOn(t, c)

	review := &authenticationv1.SelfSubjectReview{}
	must.Do(t, reader.Create(t.Context(), review))
	if got, want := review.Status.UserInfo.Username, "system:serviceaccount:shop:reader"; got != want {
		t.Errorf("the kubeconfig acts as %s, want %s", got, want)
	}
	// The API server takes up a new role after a moment.
	eventually(t, "the ConfigMaps, which the role allows", func() bool {
		return reader.List(t.Context(), &corev1.ConfigMapList{}, client.InNamespace("shop")) == nil
	})
	err := reader.List(t.Context(), &corev1.SecretList{}, client.InNamespace("shop"))
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets, which no role allows: got %v, want Forbidden", err)
	}
}

func TestTwoClustersRunSideBySide(t *testing.T) {
	t.Parallel()
	first := cluster.ForTest(t, cluster.Options{})
	second := cluster.ForTest(t, cluster.Options{})
	apply(t, first, "{apiVersion: v1, kind: Namespace, metadata: {name: only-in-first}}")
	err := second.Client().Get(t.Context(), client.ObjectKey{Name: "only-in-first"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the second cluster answers %v about a namespace of the first, want NotFound", err)
	}
}

func TestKubectlOfTheClusterTalksToIt(t *testing.T) {
	t.Parallel()
	c := cluster.ForTest(t, cluster.Options{})
	output := must.Get(exec.CommandContext(t.Context(), c.Kubectl(), "--kubeconfig", c.KubeconfigPath(),
		"version", "--output=json").Output())(t)
	type version struct {
		GitVersion string `json:"gitVersion"`
	}
	var versions struct {
		Client version `json:"clientVersion"`
		Server version `json:"serverVersion"`
	}
	must.Do(t, json.Unmarshal(output, &versions))
	if versions.Server != versions.Client || !strings.HasPrefix(versions.Server.GitVersion, "v1.") {
		t.Errorf("got %+v, want one released version", versions)
	}
}

func TestControlPlaneComesBackOnTheSameAddressAndData(t *testing.T) {
	t.Parallel()
	c := cluster.ForTest(t, cluster.Options{})
	reader := readerOn(t, c)
	for name, restart := range map[string]func() error{
		"the API server is stopped": func() error {
			return errors.Join(c.StopAPIServer(), c.StartAPIServer(t.Context()))
		},
		"the API server is killed": func() error {
			return errors.Join(c.Process(cluster.APIServer).Kill(), c.StartAPIServer(t.Context()))
		},
		"etcd is killed": func() error {
			return errors.Join(c.Process(cluster.Etcd).Kill(), c.StartEtcd(t.Context()))
		},
		"both are stopped": func() error {
			return errors.Join(c.StopAPIServer(), c.StopEtcd(), c.StartEtcd(t.Context()), c.StartAPIServer(t.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			must.Do(t, restart())
			eventually(t, "the token issued before to be good", func() bool {
				return reader.List(t.Context(), &corev1.ConfigMapList{}, client.InNamespace("shop")) == nil
			})
		})
	}
}

func TestPausedAPIServerAnswersNobodyUntilItGoesOn(t *testing.T) {
	t.Parallel()
	c := cluster.ForTest(t, cluster.Options{})
	// The first use makes the client look up what it needs; that look-up minds no deadline.
	must.Do(t, c.Client().List(t.Context(), &corev1.NamespaceList{}))
	server := c.Process(cluster.APIServer)
	must.Do(t, server.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := c.Client().List(ctx, &corev1.NamespaceList{}); err == nil {
		t.Error("a paused API server answered")
	}
	must.Do(t, server.Resume())
	if err := c.Client().List(t.Context(), &corev1.NamespaceList{}); err != nil {
		t.Errorf("after it went on: %v", err)
	}
}

func TestAuditLogShowsForbiddenRequests(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	const metadataOfAll = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
	must.Do(t, os.WriteFile(policy, []byte(metadataOfAll), 0o600))
	c := cluster.ForTest(t, cluster.Options{AuditPolicy: policy})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "treasure"}}
	if err := readerOn(t, c).Delete(t.Context(), secret); !apierrors.IsForbidden(err) {
		t.Fatalf("got %v, want Forbidden", err)
	}
	entries := must.Get(testkit.ReadAuditLog(c.AuditLog(), `"treasure"`))(t)
	if !slices.ContainsFunc(entries, func(entry testkit.AuditEntry) bool { return entry.ResponseStatus.Code == 403 }) {
		t.Error("the forbidden request is not in the audit log")
	}
}

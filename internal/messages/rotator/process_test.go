package rotator_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestTheProcessRotatesWithTheRightsOfItsRoles: those that the chart gives to it in one namespace, its lease included.
func TestTheProcessRotatesWithTheRightsOfItsRoles(t *testing.T) {
	w := begin(t, nil)
	w.put(first)
	w.demand()
	user := w.limit(rbacv1.PolicyRule{
		APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create", "get", "update"},
	})
	process := exec.CommandContext(t.Context(), os.Args[0],
		"--kubeconfig="+w.kubeconfig(user), "--namespace="+w.object.Namespace, "--namespaces="+w.object.Namespace,
		"--allowed-endpoints=127.0.0.1:*", "--metrics-bind-address=0", "--health-probe-bind-address=0", "--log-level=debug")
	process.Env = append(os.Environ(), asProcess+"=yes")
	process.Stderr = &w.log
	w.must(process.Start())
	const often, enough = 100 * time.Millisecond, time.Minute
	awaited := wait.PollUntilContextTimeout(t.Context(), often, enough, true, func(ctx context.Context) (bool, error) {
		err := server.Client.Get(ctx, client.ObjectKeyFromObject(w.object), w.object)
		return w.object.Status.LastRotationTime != nil && w.object.Status.State == v1alpha1.MessagesPasswordIdle, err
	})
	w.must(process.Process.Signal(syscall.SIGTERM))
	if err := process.Wait(); err != nil || awaited != nil {
		t.Fatalf("the process says %v, and was awaited: %v; %s", err, awaited, w.log.String())
	}
	w.remember()
	if got := w.ledger(); !w.works(w.inSecret()) || got.Applied != 1 || got.Failed != 0 {
		t.Errorf("the service says %+v", got)
	}
}

// kubeconfig is a file with the access of a user.
func (w *world) kubeconfig(user string) string {
	w.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{
		Server: server.Config.Host, CertificateAuthorityData: server.Config.CAData,
	}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: server.Config.CertData, ClientKeyData: server.Config.KeyData, Impersonate: user,
	}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	path := filepath.Join(w.TempDir(), "kubeconfig")
	w.must(clientcmd.WriteToFile(*config, path))
	return path
}

// TestTheRoleIsForOneNamespace and reads Secrets by name only.
func TestTheRoleIsForOneNamespace(t *testing.T) {
	w := begin(t, nil)
	w.put(first)
	access := server.As(t, w.limit())
	elsewhere := server.Namespace(t)
	for claim, do := range map[string]func() error{
		"lists Secrets": func() error {
			return access.List(t.Context(), &corev1.SecretList{}, client.InNamespace(w.object.Namespace))
		},
		"reads a Secret elsewhere": func() error {
			return access.Get(t.Context(), client.ObjectKey{Namespace: elsewhere, Name: "messages"}, w.secret("messages"))
		},
		"lists MessagesPasswords elsewhere": func() error {
			return access.List(t.Context(), &v1alpha1.MessagesPasswordList{}, client.InNamespace(elsewhere))
		},
		"deletes a MessagesPassword": func() error { return access.Delete(t.Context(), w.object) },
	} {
		if err := do(); !apierrors.IsForbidden(err) {
			t.Errorf("it %s: %v", claim, err)
		}
	}
}

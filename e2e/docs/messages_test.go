package docs

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	passwordPage = "docs/how-to/messages-password.md"
	// messagesNamespace is where the page's passwords are.
	messagesNamespace = "messages"
)

// TestAPasswordIsRotatedAsThePageSays: from the Secret to the end, with the simulator in the place of DVV's test
// environment. Meanwhile somebody leaves, and somebody else changes the password elsewhere and tells.
func TestAPasswordIsRotatedAsThePageSays(t *testing.T) {
	t.Parallel()
	s := emptyScenario(t, messagesNamespace)
	r := s.reader()
	const systemID, first, other = "esimerkki", "First-password-of-the-owner-4711", "Other-password-of-a-person-0815~"
	must.Get(s.Service.CreateMessagesAccount(t.Context(), admin.MessagesAccount{SystemID: systemID, Password: first}))(t)
	r.write("username", systemID)
	r.write("password", first)
	r.write("tls.pem", r.bundle(s.Service.TLSBundle))
	rehearsal := must.Get(commandsOf(t, passwordPage).Section("Rehearse"))(t)
	must.Do(t, r.shell.Run(t.Context(), slices.DeleteFunc(rehearsal, func(command howto.Command) bool {
		return !strings.HasPrefix(command.Text, "kubectl -n messages ") // the others need a Pod
	})))
	r.write("docs/samples/messages/password.yaml", must.Get(howto.Replace(
		read(t, "docs", "samples", "messages", "password.yaml"), howto.Replacement{
			Old: "environment: TEST", New: "url: " + s.Service.MessagesURL + "\n  tls: {configMapKeyRef: {name: simulator}}",
		}))(t))

	r.follow(passwordPage, "The Secret")
	r.follow(passwordPage, "The MessagesPassword")
	r.follow(passwordPage, "When somebody leaves")
	if old := must.Get(s.Service.VerifyMessagesPassword(t.Context(), systemID, first))(t); old.Current {
		t.Error("the password of whoever has left is still the one of the service")
	}
	s.Create(tenant.Sample(s.Tenant, "messages/application.yaml", &appsv1.Deployment{}))
	r.follow(passwordPage, "Retrieval")

	must.Do(t, s.Service.SetMessagesPassword(t.Context(), systemID, other))
	r.write("password", other)
	r.follow(passwordPage, "When a person is needed")
	object := &v1alpha1.MessagesPassword{}
	s.Eventually("a proof of the person's password", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKey{Namespace: messagesNamespace, Name: "suomifi"}, object)
		return object.Status.PasswordOrigin == v1alpha1.PasswordFound, err
	})
	r.follow(passwordPage, "Delete")
	secret := tenant.Get(s.Tenant, "suomifi-messages", &corev1.Secret{})
	if got := must.Get(s.Service.VerifyMessagesPassword(
		t.Context(), systemID, string(secret.Data[v1alpha1.KeyPassword])))(t); !got.Current {
		t.Error("the Secret that is left does not have the service's password")
	}
}

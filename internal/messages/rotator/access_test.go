package rotator_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"os"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// namespaced lists in some namespaces only, as the cache of a controller does that works in them.
type namespaced struct {
	client.Client

	namespaces []string
}

func (n namespaced) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	var all []runtime.Object
	for _, namespace := range n.namespaces {
		if err := n.Client.List(ctx, into, append(options, client.InNamespace(namespace))...); err != nil {
			return err
		}
		items, err := meta.ExtractList(into)
		if err != nil {
			return err
		}
		all = append(all, items...)
	}
	return meta.SetList(into, all)
}

// roleFile is what the chart gives to the controller in each of its namespaces.
const roleFile = "../../../charts/varmenne-issuer/files/rbac/messages/role.yaml"

// limit makes a user who has the rights of the controller in the namespace, and no others.
func (w *world) limit(more ...rbacv1.PolicyRule) (user string) {
	w.Helper()
	user = w.object.Namespace + "-rotator"
	w.grant(user, w.object.Namespace, more...)
	return user
}

// grant gives a user the rights of the controller in a namespace.
func (w *world) grant(user, namespace string, more ...rbacv1.PolicyRule) {
	w.Helper()
	w.bind(user, namespace, append(w.rules(), more...))
}

// rules are the rights of the controller.
func (w *world) rules() []rbacv1.PolicyRule {
	w.Helper()
	role := &rbacv1.Role{}
	w.must(yaml.Unmarshal(must.Get(os.ReadFile(roleFile))(w.T), role))
	return role.Rules
}

func (w *world) bind(user, namespace string, rules []rbacv1.PolicyRule) {
	w.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "rotator-"}, Rules: rules}
	server.Create(w.T, role)
	server.Create(w.T, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: role.Namespace, Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// limited is an access with those rights, in other namespaces, too.
func (w *world) limited(others ...string) namespaced {
	w.Helper()
	user := w.limit()
	for _, namespace := range others {
		w.grant(user, namespace)
	}
	return namespaced{server.As(w.T, user), append(others, w.object.Namespace)}
}

// controller is one of its own, as after a start.
func (w *world) controller(access client.Client) *rotator.Reconciler {
	return w.controllerWith(access, w.connect)
}

func (w *world) controllerWith(
	access client.Client, connect func(*v1alpha1.MessagesPassword, []*x509.Certificate) (rotator.Service, error),
) *rotator.Reconciler {
	return rotator.New(rotator.Options{
		Client: access, Reader: access, Connect: connect, Random: rand.Reader, Clock: w.clock,
		Events: status.Events{Recorder: w.events}, Metrics: &w.counts,
	})
}

// attempt looks at the object until a look ends as it should, since the API server learns of permissions after a while.
func (w *world) attempt(wanted func(error) bool) {
	w.Helper()
	const often, enough = 50 * time.Millisecond, 20 * time.Second
	w.must(wait.PollUntilContextTimeout(w.Context(), often, enough, true, func(ctx context.Context) (bool, error) {
		_, err := w.reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.object)})
		return wanted(err), nil
	}))
	w.reload()
}

// refused looks until the cluster refuses something, and once more; eventually until it does not any more.
func (w *world) refused() {
	w.Helper()
	w.attempt(apierrors.IsForbidden)
	w.attempt(apierrors.IsForbidden)
}

func (w *world) eventually() {
	w.Helper()
	w.attempt(func(err error) bool { return err == nil })
	w.settle()
}

package rotator

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// accounts are the usernames of the objects' Secrets, as last read. The zero value is ready to use.
type accounts struct{ usernames sync.Map }

func (a *accounts) note(object types.NamespacedName, username string) {
	a.usernames.Store(object, username)
}

func (a *accounts) forget(object types.NamespacedName) { a.usernames.Delete(object) }

func (a *accounts) username(object types.NamespacedName) (string, bool) {
	value, known := a.usernames.Load(object)
	username, isText := value.(string)
	return username, known && isText
}

// rival names an older object that rotates the same account, empty if there is none: of the same Secret, or with the
// same username at the same endpoint.
func (r *Reconciler) rival(
	ctx context.Context, object *v1alpha1.MessagesPassword, secret *corev1.Secret,
) (string, error) {
	username := credentialsOf(secret).username
	r.accounts.note(client.ObjectKeyFromObject(object), username)
	others := &v1alpha1.MessagesPasswordList{}
	if err := r.Client.List(ctx, others); err != nil {
		return "", fmt.Errorf("list MessagesPasswords: %w", err)
	}
	for i := range others.Items {
		other := &others.Items[i]
		if other.UID == object.UID || !older(other, object) {
			continue
		}
		same, err := r.sameAccount(ctx, other, object, username)
		if err != nil {
			return "", err
		}
		if same {
			return fmt.Sprintf("MessagesPassword %s/%s", other.Namespace, other.Name), nil
		}
	}
	return "", nil
}

func (r *Reconciler) sameAccount(
	ctx context.Context, other, object *v1alpha1.MessagesPassword, username string,
) (bool, error) {
	if other.Namespace == object.Namespace && other.Spec.SecretRef.Name == object.Spec.SecretRef.Name {
		return true, nil
	}
	if username == "" || endpoint(other) != endpoint(object) {
		return false, nil
	}
	key := client.ObjectKeyFromObject(other)
	its, known := r.accounts.username(key)
	if !known {
		secret, err := r.secret(ctx, other.Namespace, other.Spec.SecretRef.Name)
		if err != nil {
			return false, err
		}
		its = credentialsOf(secret).username
		r.accounts.note(key, its)
	}
	return its == username, nil
}

// older reports whether an object was there before another one; of two that were made within a second, one of them.
func older(one, other *v1alpha1.MessagesPassword) bool {
	return cmp.Or(one.CreationTimestamp.Compare(other.CreationTimestamp.Time), cmp.Compare(one.UID, other.UID)) < 0
}

// endpoint is where an object's account is.
func endpoint(object *v1alpha1.MessagesPassword) string {
	return cmp.Or(strings.TrimRight(object.Spec.URL, "/"), string(object.Spec.Environment))
}

package rotator

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// read is what was read for one decision: the snapshot, and the passwords that it does not show.
type read struct {
	snapshot rotation.Snapshot
	// secret is the one of spec.secretRef, staging the one beside it; nil where there is none.
	secret, staging *corev1.Secret
	// account is the one whose password it is.
	account account
}

// credentials are what a Secret holds.
type credentials struct {
	username     string
	current, new password.Password
}

func credentialsOf(secret *corev1.Secret) credentials {
	if secret == nil {
		return credentials{}
	}
	return credentials{
		username: string(secret.Data[v1alpha1.KeyUsername]),
		current:  password.New(string(secret.Data[v1alpha1.KeyPassword])),
		new:      password.New(string(secret.Data[v1alpha1.KeyNewPassword])),
	}
}

// gather reads what there is to know of an object, but for what others do with its account; never from a cache.
func (r *Reconciler) gather(ctx context.Context, object *v1alpha1.MessagesPassword, now time.Time) (read, error) {
	name := object.Spec.SecretRef.Name
	secret, err := r.secret(ctx, object.Namespace, name)
	if err != nil {
		return read{}, err
	}
	staging, err := r.secret(ctx, object.Namespace, rotation.StagingName(name))
	if err != nil {
		return read{}, err
	}
	got := read{secret: secret, staging: staging, account: accountOf(object, secret, staging)}
	got.snapshot = rotation.Snapshot{Now: now, Object: object, Secret: describe(secret, staging)}
	got.snapshot.Secret.Unchanged = r.accounts.unchanged(object, secret)
	if !access.IsName(name) {
		got.snapshot.Secret = rotation.Secret{Problem: "cannot exist: spec.secretRef.name is no name of a Secret; make " +
			"another MessagesPassword"}
	}
	if staging != nil {
		if got.snapshot.Staging, err = r.describeStaging(ctx, object, staging); err != nil {
			return read{}, err
		}
	}
	got.snapshot.Retrieval, err = r.retrieval(ctx, object, now)
	return got, err
}

// versionOf is the resourceVersion of a Secret, empty if there is none.
func versionOf(secret *corev1.Secret) string {
	if secret == nil {
		return ""
	}
	return secret.ResourceVersion
}

// secret is a Secret as it is, nil if there is none. What is no name of one is not asked for: the error would stop all
// objects that have to know whose account the Secret holds.
func (r *Reconciler) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if !access.IsName(name) {
		return nil, nil //nolint:nilnil // as documented
	}
	found := &corev1.Secret{}
	switch err := r.Reader.Get(ctx, key, found); {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // as documented
	case err != nil:
		return nil, access.Error("Secret", key, "with the password", err)
	}
	return found, nil
}

// describe says what is to be known of the Secret, beside the one of the rotation.
func describe(secret, staging *corev1.Secret) rotation.Secret {
	if secret == nil {
		return rotation.Secret{Missing: true}
	}
	described := rotation.Secret{
		Problem: problemOf(secret), Deleting: secret.DeletionTimestamp != nil, Version: secret.ResourceVersion,
		Written: secrets.Written(secret, v1alpha1.KeyUsername, v1alpha1.KeyPassword),
	}
	if staging == nil {
		return described
	}
	its, staged := credentialsOf(secret), credentialsOf(staging)
	described.OtherUser = its.username != staged.username
	switch {
	case its.current.Reveal() == "":
	case its.current.Equal(staged.new.Text):
		described.Holds = rotation.HoldsNew
	case its.current.Equal(staged.current.Text):
		described.Holds = rotation.HoldsCurrent
	}
	return described
}

// problemOf says why no log-in can be made with a Secret, or no new password put there, in words that follow its name;
// empty if they can. It shows no value.
func problemOf(secret *corev1.Secret) string {
	username, hasName := secret.Data[v1alpha1.KeyUsername]
	_, hasPassword := secret.Data[v1alpha1.KeyPassword]
	switch {
	case secret.DeletionTimestamp != nil:
		return "was deleted, and its finalizers keep it: remove them, and make it anew; what is put into it now is lost"
	case !hasName, !hasPassword:
		missing := v1alpha1.KeyUsername
		if hasName {
			missing = v1alpha1.KeyPassword
		}
		return fmt.Sprintf("has no key %s: put it there, as the owner of the service has sent it", missing)
	case len(username) == 0, !utf8.Valid(username), strings.TrimSpace(string(username)) != string(username):
		return fmt.Sprintf("holds under %s a text that is empty, or begins or ends with white space or a line break: write "+
			"it again without, as the systemId that the owner of the service has sent", v1alpha1.KeyUsername)
	case secret.Immutable != nil && *secret.Immutable:
		return "is immutable, so that no new password can be put there: make it anew without `immutable: true`"
	}
	if err := password.Check(credentialsOf(secret).current); err != nil {
		return fmt.Sprintf("holds under %s a text that %v", v1alpha1.KeyPassword, err)
	}
	return ""
}

// describeStaging says what is to be known of the Secret of the rotation. One without our annotation is somebody
// else's.
func (r *Reconciler) describeStaging(
	ctx context.Context, object *v1alpha1.MessagesPassword, staging *corev1.Secret,
) (rotation.Staging, error) {
	described := rotation.Staging{UID: staging.UID, Deleting: staging.DeletionTimestamp != nil}
	for _, key := range []string{v1alpha1.KeyUsername, v1alpha1.KeyPassword, v1alpha1.KeyNewPassword} {
		if len(staging.Data[key]) == 0 {
			described.Problem = "has no key " + key
		}
	}
	switch maker := staging.Annotations[v1alpha1.AnnotationRotationOf]; maker {
	case string(object.UID):
		return described, nil
	case "":
		described.Owner = rotation.Stranger
		return described, nil
	default:
		others := &v1alpha1.MessagesPasswordList{}
		if err := r.Reader.List(ctx, others, client.InNamespace(object.Namespace)); err != nil {
			return described, fmt.Errorf("list MessagesPasswords: %w", err)
		}
		described.Owner = rotation.Abandoned
		for i := range others.Items {
			if other := &others.Items[i]; string(other.UID) == maker {
				described.Owner, described.Maker = rotation.Foreign, nameOf(other)
			}
		}
		return described, nil
	}
}

// nameOf is what a person is told of another object.
func nameOf(object *v1alpha1.MessagesPassword) string {
	return fmt.Sprintf("MessagesPassword %s/%s", object.Namespace, object.Name)
}

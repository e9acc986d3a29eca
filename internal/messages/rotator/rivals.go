package rotator

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// URL is where the service is that an object names.
func URL(object *v1alpha1.MessagesPassword) string {
	switch {
	case object.Spec.URL != "":
		return object.Spec.URL
	case object.Spec.Environment == v1alpha1.MessagesEnvironmentProduction:
		return messages.ProductionURL
	default:
		return messages.TestURL
	}
}

// accountOf is the account whose password an object rotates. No two accounts differ in capitals alone, as far as
// anybody knows; to take them for one only makes one of them wait.
func accountOf(object *v1alpha1.MessagesPassword, secret, staging *corev1.Secret) account {
	username, staged := credentialsOf(secret).username, credentialsOf(staging).username
	// A rotation in flight ends with the account that it has begun with, whatever is in the Secret meanwhile.
	begun := staged != "" && inFlight(object) &&
		object.Status.Rotation.StagingUID == staging.UID
	if username == "" || begun {
		username = staged
	}
	return account{endpoint: messages.Place(URL(object)), username: strings.ToLower(username)}
}

// rivals are what the other objects of an account mean to one of them.
type rivals struct {
	// first names one of the same Secret or account that goes first; empty if there is none.
	first string
	// failed are log-ins of theirs that failed, or may have, and of objects that are gone.
	failed []time.Time
}

// rivals reads what other objects do with the account of an object. Which they are comes from the cache, and what they
// have done from the API server: of one, where that goes first, so that this object calls nothing; else of all.
func (r *Reconciler) rivals(
	ctx context.Context, object *v1alpha1.MessagesPassword, shared account, now time.Time,
) (rivals, error) {
	found, users := rivals{}, map[types.UID]bool{object.UID: true}
	others, err := r.sharing(ctx, object, shared)
	if err != nil {
		return found, err
	}
	sent := inFlight(object) && object.Status.Rotation.SendTime != nil // what is settled is called for all the same
	for i := 0; i < len(others) && !sent; i++ {
		if !r.goesFirst(others[i], object) {
			continue
		}
		live, err := r.live(ctx, others[i:i+1])
		if err != nil || len(live) > 0 && r.goesFirst(live[0], object) {
			return rivals{first: nameOf(others[i])}, err
		}
	}
	live, err := r.live(ctx, others)
	if err != nil {
		return found, err
	}
	for _, other := range live {
		if found.first == "" && r.goesFirst(other, object) {
			found.first = nameOf(other)
		}
		for _, at := range other.Status.FailedLogins {
			if !r.accounts.elsewhere(shared, failedLogin{other.UID, at.Time}) {
				found.failed = append(found.failed, at.Time)
			}
		}
		users[other.UID] = true
	}
	found.failed = append(found.failed, r.accounts.leftBehind(shared, users, now)...)
	return found, nil
}

// sharing are the other objects of the Secret or account of an object, as the cache has them.
func (r *Reconciler) sharing(
	ctx context.Context, object *v1alpha1.MessagesPassword, shared account,
) ([]*v1alpha1.MessagesPassword, error) {
	all := &v1alpha1.MessagesPasswordList{}
	if err := r.Client.List(ctx, all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list MessagesPasswords: %w", err)
	}
	var found []*v1alpha1.MessagesPassword
	for i := range all.Items {
		same, err := r.uses(ctx, &all.Items[i], object, shared)
		if err != nil {
			return nil, err
		}
		if same {
			found = append(found, &all.Items[i])
		}
	}
	return found, nil
}

// fewReads is how many objects are read one by one. Whoever makes thousands for an account of somebody else must not
// hold that one up.
const fewReads = 4

// live are objects as the API server has them now, without those that are gone.
func (r *Reconciler) live(
	ctx context.Context, cached []*v1alpha1.MessagesPassword,
) ([]*v1alpha1.MessagesPassword, error) {
	found := make([]*v1alpha1.MessagesPassword, 0, len(cached))
	if len(cached) <= fewReads {
		for _, other := range cached {
			now := &v1alpha1.MessagesPassword{}
			switch err := r.Reader.Get(ctx, client.ObjectKeyFromObject(other), now); {
			case apierrors.IsNotFound(err):
			case err != nil:
				return nil, fmt.Errorf("get %s: %w", nameOf(other), err)
			default:
				found = append(found, now)
			}
		}
		return found, nil
	}
	wanted := map[string]map[string]bool{}
	for _, other := range cached {
		if wanted[other.Namespace] == nil {
			wanted[other.Namespace] = map[string]bool{}
		}
		wanted[other.Namespace][other.Name] = true
	}
	for namespace, names := range wanted {
		all := &v1alpha1.MessagesPasswordList{}
		if err := r.Reader.List(ctx, all, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("list MessagesPasswords in namespace %s: %w", namespace, err)
		}
		for i := range all.Items {
			if names[all.Items[i].Name] {
				found = append(found, &all.Items[i])
			}
		}
	}
	return found, nil
}

// goesFirst reports whether an object goes before another one with the same account.
func (r *Reconciler) goesFirst(one, other *v1alpha1.MessagesPassword) bool {
	_, its, _ := r.accounts.of(one)
	_, others, _ := r.accounts.of(other)
	return goesFirst(one, other, its, others)
}

// uses reports whether another object rotates the Secret or the account of an object. One whose Secret the controller
// may not read rotates none.
func (r *Reconciler) uses(
	ctx context.Context, other, object *v1alpha1.MessagesPassword, shared account,
) (bool, error) {
	switch {
	case other.UID == object.UID:
		return false, nil
	case other.Namespace == object.Namespace && other.Spec.SecretRef.Name == object.Spec.SecretRef.Name:
		return true, nil
	case shared.username == "":
		return false, nil
	}
	if its, _, known := r.accounts.of(other); known {
		return its == shared, nil
	}
	if messages.Place(URL(other)) != shared.endpoint {
		return false, nil
	}
	its, err := r.accountOf(ctx, other)
	return its == shared, err
}

// accountOf is the account of another object. Its Secret is read once: from then on whoever looks at the object tells.
// One that the API server goes on failing to read keeps that object from calling, and must not keep all others from it.
func (r *Reconciler) accountOf(ctx context.Context, other *v1alpha1.MessagesPassword) (account, error) {
	if its, _, known := r.accounts.of(other); known {
		return its, nil
	}
	secret, err := r.secret(ctx, other.Namespace, other.Spec.SecretRef.Name)
	var staging *corev1.Secret
	if err == nil && inFlight(other) {
		staging, err = r.secret(ctx, other.Namespace, rotation.StagingName(other.Spec.SecretRef.Name))
	}
	var its account
	switch {
	case err == nil:
		its = accountOf(other, secret, staging)
	case apierrors.IsForbidden(err):
	case status.Lasts(ctx, err):
		return account{}, nil // and it is read again next time
	default:
		return account{}, err
	}
	r.accounts.note(other, its, secret)
	return its, nil
}

// acquaint reads whose accounts the objects use, as far as that is not known: after a start there may be thousands, and
// a pass that takes long does nothing. One worker reads for all.
func (r *Reconciler) acquaint(ctx context.Context) error {
	r.acquainting.Lock()
	defer r.acquainting.Unlock()
	objects := &v1alpha1.MessagesPasswordList{}
	if err := r.Client.List(ctx, objects, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list MessagesPasswords: %w", err)
	}
	for i := range objects.Items {
		if _, err := r.accountOf(ctx, &objects.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

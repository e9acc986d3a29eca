package rotator

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

// fieldOwner is who writes, for the API server's notes of which fields are whose.
const fieldOwner = client.FieldOwner("varmenne-issuer-messages")

//+kubebuilder:rbac:groups="",resources=secrets,verbs=get;create;update;delete
//+kubebuilder:rbac:groups="",resources=configmaps,verbs=get
//+kubebuilder:rbac:groups=batch,resources=cronjobs,verbs=get
//+kubebuilder:rbac:groups=apps,resources=deployments,verbs=get

// stage makes the Secret with both passwords. Whoever is second is refused by the API server, and decides anew; it is
// read back before anything is sent.
func (p *pass) stage(ctx context.Context) error {
	made, err := password.Generate(p.Random, int(p.length()))
	if err != nil {
		return err
	}
	// What would keep the password from the Secret afterwards is better known before it is sent: a missing right, an
	// admission webhook.
	trial := p.rotated(made)
	err = p.Client.Update(ctx, trial, fieldOwner, client.DryRunAll)
	if err == nil {
		err = unaltered(trial, credentialsOf(p.read.secret).username, made)
	}
	if err != nil {
		return fmt.Errorf("no rotation begins, because its password could not be put into Secret %s: %w",
			p.object.Spec.SecretRef.Name, p.discreet(err, made))
	}
	if !p.mayCall(rotation.BeginWithin) {
		return nil // another controller may have made one, and be done with it
	}
	from := credentialsOf(p.read.secret)
	staging := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.object.Namespace, Name: rotation.StagingName(p.object.Spec.SecretRef.Name),
			Annotations: map[string]string{v1alpha1.AnnotationRotationOf: string(p.object.UID)},
		},
		Immutable: new(true),
		Type:      corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			v1alpha1.KeyUsername: []byte(from.username), v1alpha1.KeyPassword: []byte(from.current.Reveal()),
			v1alpha1.KeyNewPassword: []byte(made.Reveal()),
		},
	}
	if err := p.Client.Create(ctx, staging, fieldOwner); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create Secret %s: %w", staging.Name, p.discreet(err, made))
	}
	return nil
}

// length is spec.passwordLength or its default.
func (p *pass) length() int32 {
	if p.object.Spec.PasswordLength == 0 {
		return password.DefaultLength
	}
	return p.object.Spec.PasswordLength
}

// rotated is the Secret with a new password, as it is to be written.
func (p *pass) rotated(next password.Password) *corev1.Secret {
	secret := p.read.secret.DeepCopy()
	if secret == nil {
		secret = &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.object.Namespace, Name: p.object.Spec.SecretRef.Name},
			Type:       corev1.SecretTypeOpaque,
		}
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, v1alpha1.AnnotationRotatedAt, p.began.UTC().Format(time.RFC3339Nano))
	if p.read.staging != nil {
		secret.Data[v1alpha1.KeyUsername] = []byte(credentialsOf(p.read.staging).username)
	}
	secret.Data[v1alpha1.KeyPassword] = []byte(next.Reveal())
	return secret
}

// commit puts the proved password into the Secret: one update, with the resourceVersion that was read. Where the Secret
// has it already, from a commit whose end nobody has seen, it is left alone.
func (p *pass) commit(ctx context.Context) error {
	now := p.read.secret
	if now == nil || p.read.snapshot.Secret.Holds != rotation.HoldsNew {
		now = p.rotated(credentialsOf(p.read.staging).new)
		write := func() error { return p.Client.Update(ctx, now, fieldOwner) }
		if p.read.secret == nil {
			write = func() error { return p.Client.Create(ctx, now, fieldOwner) }
		}
		err := write()
		if err == nil {
			staged := credentialsOf(p.read.staging)
			err = unaltered(now, staged.username, staged.new)
		}
		if err != nil {
			return fmt.Errorf("put the new password, which the service takes, into Secret %s; until then it is in Secret %s: %w",
				now.Name, rotation.StagingName(now.Name), p.discreet(err, credentialsOf(p.read.staging).new))
		}
	}
	p.read.secret = now
	written := secrets.Written(now, v1alpha1.KeyUsername, v1alpha1.KeyPassword)
	err := p.record(ctx, func() {
		rotation.RecordCommit(p.object, p.decision, now.ResourceVersion, written, p.Clock.Now())
	})
	if err == nil {
		p.Metrics.MessagesRotated()
		p.reportRotated()
	}
	return err
}

// discreet is an error of writing a password that can be shown: what an admission webhook or policy says may repeat it.
func (p *pass) discreet(err error, written password.Password) error {
	for _, with := range []password.Password{
		written, credentialsOf(p.read.secret).current, credentialsOf(p.read.staging).current,
	} {
		text := with.Reveal()
		if text == "" {
			continue
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		if sensitive.NewSearch(text).Behind(err.Error()) || strings.Contains(err.Error(), encoded) {
			return &quotingError{cause: err}
		}
	}
	return err
}

// quotingError does not show what its cause repeats.
type quotingError struct{ cause error }

func (*quotingError) Error() string {
	return "what the API server says is not shown, because it repeats a password: see which admission webhook or policy " +
		"refuses the Secret, and have it repeat nothing"
}

func (e *quotingError) Unwrap() error { return e.cause }

// unaltered fails where the API server has stored something else than was written.
func unaltered(secret *corev1.Secret, username string, written password.Password) error {
	if stored := credentialsOf(secret); stored.username != username || !stored.current.Equal(written.Text) {
		return errors.New("the API server has put something else there: leave the Secret out of the admission webhook or " +
			"policy that changes it")
	}
	return nil
}

// unstage deletes the Secret that was retired, and no other one of its name.
func (p *pass) unstage(ctx context.Context) error {
	staging := p.read.staging
	err := p.Client.Delete(ctx, staging, client.Preconditions{UID: &staging.UID})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete Secret %s: %w", staging.Name, err)
	}
	return nil
}

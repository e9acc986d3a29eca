package monitoring_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// play plays all scenes, then lets the other replica take over, and returns when all of it was recorded.
func play(ctx context.Context, w *world.World, r *recorder) error {
	var group errgroup.Group
	for _, scene := range scenes() {
		group.Go(func() error {
			if err := begin(ctx, w, scene); err != nil {
				return fmt.Errorf("the scene in %s: %w", scene.namespace, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := errors.Join(r.await(ctx, standing()), r.await(ctx, counted())); err != nil {
		return err
	}
	if err := w.StopController(); err != nil {
		return err
	}
	if err := r.await(ctx, takenOver()); err != nil {
		return err
	}
	if err := errors.Join(w.StartReplica(ctx, 1), r.await(ctx, standing())); err != nil {
		return fmt.Errorf("after the other replica has taken over: %w", err)
	}
	const enough = 3 // for a rate over them
	r.further(enough)
	return nil
}

// actor is who acts in a scene.
type actor struct {
	scene

	client  client.Client
	service *world.Service
}

// begin makes everything that a scene needs, and lets it happen.
func begin(ctx context.Context, w *world.World, scene scene) error {
	service, err := w.StartService(ctx, scene.service...)
	if err != nil {
		return err
	}
	a := &actor{scene: scene, client: w.Client, service: service}
	issuer := service.Issuer(scene.namespace, customerID)
	if lives, err := time.ParseDuration(a.validity()); err == nil {
		issuer.Spec.RenewalWindow = &metav1.Duration{Duration: lives}
	}
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: scene.namespace}}}
	if !scene.bundleless {
		trust, err := service.Trust(ctx, scene.namespace)
		if err != nil {
			return err
		}
		objects = append(objects, trust)
	}
	for _, object := range append(objects, issuer) {
		if err := a.client.Create(ctx, object); err != nil {
			return err
		}
	}
	return a.act(ctx, a)
}

// validity is how long the service's certificates live, if the scene says so.
func (a *actor) validity() string {
	for _, argument := range a.scene.service {
		if value, found := strings.CutPrefix(argument, "--validity="); found {
			return value
		}
	}
	return ""
}

// order orders a certificate with credentials.
func (a *actor) order(ctx context.Context, name string) error { return a.orderWith(ctx, name, nil) }

func (a *actor) orderWith(ctx context.Context, name string, change func(*cmapi.Certificate)) error {
	if err := a.credentials(ctx, name, ""); err != nil {
		return err
	}
	return a.certificate(ctx, name, change)
}

// certificate makes a Certificate.
func (a *actor) certificate(ctx context.Context, name string, change func(*cmapi.Certificate)) error {
	certificate := world.Certificate(a.namespace, name, customerID)
	if change != nil {
		change(certificate)
	}
	return a.client.Create(ctx, certificate)
}

// credentials puts credentials into the Secret that a Certificate of that name draws on. A password that is given takes
// the place of the right one.
func (a *actor) credentials(ctx context.Context, name, password string) error {
	sent, err := a.service.Mint(ctx, admin.MintRequest{CustomerID: customerID})
	if err != nil {
		return err
	}
	return a.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: name},
		StringData: map[string]string{
			v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: cmp.Or(password, sent.TransferPassword),
		},
	})
}

// age makes the API server believe that a Secret was written some time ago.
func (a *actor) age(ctx context.Context, name string, age time.Duration) error {
	secret := &corev1.Secret{}
	if err := a.client.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: name}, secret); err != nil {
		return err
	}
	for i := range secret.ManagedFields {
		secret.ManagedFields[i].Time = &metav1.Time{Time: time.Now().Add(-age)}
	}
	secret.Labels = map[string]string{"written": "long-ago"} // an update that changes nothing else would change no times
	return a.client.Update(ctx, secret, client.FieldOwner("clock"))
}

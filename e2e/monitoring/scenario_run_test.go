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

// runScenarios runs all scenarios, then lets the other replica take over, and returns when all of it was recorded.
func runScenarios(ctx context.Context, w *world.World, r *recorder) error {
	var group errgroup.Group
	for _, scenario := range scenarios() {
		group.Go(func() error {
			if err := startScenario(ctx, w, scenario); err != nil {
				return fmt.Errorf("the scenario in %s: %w", scenario.namespace, err)
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

// scenarioRun is a scenario that happens.
type scenarioRun struct {
	scenario

	client  client.Client
	service *world.Service
}

// startScenario makes everything that a scenario needs, and lets it happen.
func startScenario(ctx context.Context, w *world.World, scenario scenario) error {
	service, err := w.StartService(ctx, scenario.service...)
	if err != nil {
		return err
	}
	a := &scenarioRun{scenario: scenario, client: w.Client, service: service}
	issuer := service.Issuer(scenario.namespace, customerID)
	if lives, err := time.ParseDuration(a.validity()); err == nil {
		issuer.Spec.RenewalWindow = &metav1.Duration{Duration: lives}
	}
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: scenario.namespace}}}
	if !scenario.bundleless {
		trust, err := service.Trust(ctx, scenario.namespace)
		if err != nil {
			return err
		}
		objects = append(objects, trust)
	}
	for _, object := range append(objects, issuer) {
		// A namespace in which passwords rotate is there already.
		if err := client.IgnoreAlreadyExists(a.client.Create(ctx, object)); err != nil {
			return err
		}
	}
	return a.act(ctx, a)
}

// validity is how long the service's certificates live, if the scenario says so.
func (a *scenarioRun) validity() string {
	for _, argument := range a.scenario.service {
		if value, found := strings.CutPrefix(argument, "--validity="); found {
			return value
		}
	}
	return ""
}

// order orders a certificate with credentials.
func (a *scenarioRun) order(ctx context.Context, name string) error {
	return a.orderWith(ctx, name, nil)
}

func (a *scenarioRun) orderWith(ctx context.Context, name string, change func(*cmapi.Certificate)) error {
	if err := a.credentials(ctx, name, ""); err != nil {
		return err
	}
	return a.certificate(ctx, name, change)
}

// certificate makes a Certificate.
func (a *scenarioRun) certificate(ctx context.Context, name string, change func(*cmapi.Certificate)) error {
	certificate := world.Certificate(a.namespace, name, customerID)
	if change != nil {
		change(certificate)
	}
	return a.client.Create(ctx, certificate)
}

// credentials puts credentials into the Secret that a Certificate of that name draws on. A password that is given takes
// the place of the right one.
func (a *scenarioRun) credentials(ctx context.Context, name, password string) error {
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
func (a *scenarioRun) age(ctx context.Context, name string, age time.Duration) error {
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

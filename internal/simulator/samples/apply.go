package samples

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// fieldOwner owns the fields that a rehearsal sets.
const fieldOwner = client.FieldOwner("varmenne-simulator")

// retryInterval is the pause between two tries: what is missing, such as the kinds, is usually seconds away.
const retryInterval = 3 * time.Second

// Run applies the samples and what they refer to, until it has succeeded once or the context has ended. Failures are
// logged, the same one once. Every run mints credentials: a simulator that was started anew knows none of the old.
func Run(ctx context.Context, options Options, cluster client.Client, info admin.Info, log logr.Logger) {
	r := &rehearsal{options: options, cluster: cluster, simulator: admin.NewClient(info.AdminURL)}
	said := ""
	// The only error is that of the context.
	_ = wait.PollUntilContextCancel(ctx, retryInterval, true, func(ctx context.Context) (bool, error) {
		err := r.apply(ctx)
		if err != nil && err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			log.Info("The samples cannot be applied yet; it is tried again", "error", said)
		}
		return err == nil, nil
	})
	if ctx.Err() == nil {
		log.Info("The samples are applied", "namespace", options.Namespace)
	}
}

// rehearsal is one run.
type rehearsal struct {
	options   Options
	cluster   client.Client
	simulator *admin.Client
	// minted are this run's credentials, nil until the first try got so far.
	minted *admin.Credential
	// opened is this run's account of Suomi.fi Messages, nil until then, too.
	opened *admin.MessagesAccount
}

func (r *rehearsal) apply(ctx context.Context) error {
	found, err := read(r.options.Directory)
	if err != nil {
		return err
	}
	provided, err := r.provide(ctx, found)
	if err != nil {
		return err
	}
	owners, err := r.owners(ctx)
	if err != nil {
		return err
	}
	first, err := r.account(ctx, found)
	if err != nil {
		return err
	}
	// Whoever rotates the password begins when the last object is there. Nothing is applied a second time after it, which
	// would put the first password back.
	for _, object := range slices.Concat(provided, found.objects, first) {
		object.SetNamespace(r.options.Namespace)
		object.SetOwnerReferences(owners)
		err := r.cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("apply %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
		}
	}
	return nil
}

// provide makes the objects that the samples' issuer refers to.
func (r *rehearsal) provide(ctx context.Context, found *samples) ([]*unstructured.Unstructured, error) {
	tls, tlsErr := r.simulator.TLSBundle(ctx)
	responses, responsesErr := r.simulator.ResponsesBundle(ctx)
	issuance, issuanceErr := r.simulator.IssuanceBundle(ctx)
	if err := errors.Join(tlsErr, responsesErr, issuanceErr); err != nil {
		return nil, fmt.Errorf("fetch the simulator's trust bundles: %w", err)
	}
	if r.minted == nil {
		minted, err := r.simulator.Mint(ctx, admin.MintRequest{CustomerID: found.issuer.Spec.CustomerID})
		if err != nil {
			return nil, fmt.Errorf("mint transfer credentials: %w", err)
		}
		r.minted = &minted
	}
	return append(found.bundles(tls, responses, issuance), found.credentials(r.minted)), nil
}

// account opens an account of Suomi.fi Messages for the samples' MessagesPassword, and makes the Secret of it; none
// where there is no such sample.
func (r *rehearsal) account(ctx context.Context, found *samples) ([]*unstructured.Unstructured, error) {
	if found.messages == nil {
		return nil, nil
	}
	if r.opened == nil {
		account := admin.MessagesAccount{SystemID: found.messages.Name, Password: rand.Text() + "-a1", Events: 1}
		if _, err := r.simulator.CreateMessagesAccount(ctx, account); err != nil {
			return nil, fmt.Errorf("open an account of Suomi.fi Messages: %w", err)
		}
		r.opened = &account
	}
	return []*unstructured.Unstructured{found.firstPassword(r.opened)}, nil
}

// owners is a reference to the Deployment that owns the samples, none where there is none.
func (r *rehearsal) owners(ctx context.Context) ([]metav1.OwnerReference, error) {
	if r.options.Owner == "" {
		return nil, nil
	}
	deployment := &appsv1.Deployment{}
	name := client.ObjectKey{Namespace: r.options.Namespace, Name: r.options.Owner}
	if err := r.cluster.Get(ctx, name, deployment); err != nil {
		return nil, fmt.Errorf("get the owner of the samples, Deployment %s: %w", name, err)
	}
	return []metav1.OwnerReference{{
		APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment", Name: deployment.Name, UID: deployment.UID,
	}}, nil
}

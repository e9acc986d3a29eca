// Package tracked watches over certificates that live elsewhere: it reads a TrackedCertificate's source, and writes
// down and reports what is to be said of it. It calls nobody outside the cluster.
package tracked

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/tracked/trackedstate"
)

// Options of the reconciler.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Reader reads from the API server: ConfigMaps, Secrets, Certificates.
	Reader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// Events reports transitions and reminders.
	Events status.Events
}

// Reconciler watches over tracked certificates.
type Reconciler struct{ Options }

//+kubebuilder:rbac:groups=varmenne.dev,resources=trackedcertificates,verbs=get;list;watch
//+kubebuilder:rbac:groups=varmenne.dev,resources=trackedcertificates/status,verbs=patch
//+kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get
//+kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get

// Register adds the reconciler to a manager.
func Register(manager ctrl.Manager, options Options, controllerOptions controller.Options) error {
	err := ctrl.NewControllerManagedBy(manager).
		Named("TrackedCertificate").
		For(&v1alpha1.TrackedCertificate{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controllerOptions).
		Complete(&Reconciler{Options: options})
	if err != nil {
		return fmt.Errorf("register the controller of TrackedCertificates: %w", err)
	}
	return nil
}

// Reconcile is one look at one certificate.
func (r *Reconciler) Reconcile(ctx context.Context, name reconcile.Request) (ctrl.Result, error) {
	certificate := &v1alpha1.TrackedCertificate{}
	if err := client.IgnoreNotFound(r.Client.Get(ctx, name.NamespacedName, certificate)); err != nil {
		return status.Settle(ctx, fmt.Errorf("TrackedCertificate %s: %w", name, err))
	}
	if certificate.UID == "" || !certificate.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	snapshot, err := r.gather(ctx, certificate)
	if err == nil {
		outcome := trackedstate.Decide(snapshot)
		if err = r.record(ctx, certificate, outcome, snapshot); err == nil {
			return ctrl.Result{RequeueAfter: max(outcome.Next.Sub(r.Clock.Now()), time.Second)}, nil
		}
	}
	return status.Settle(ctx, fmt.Errorf("TrackedCertificate %s: %w", name, err))
}

// gather reads the certificate.
func (r *Reconciler) gather(
	ctx context.Context, certificate *v1alpha1.TrackedCertificate,
) (trackedstate.Snapshot, error) {
	snapshot := trackedstate.Snapshot{Now: r.Clock.Now(), Tracked: certificate}
	data, err := r.read(ctx, certificate)
	if unusable, is := errors.AsType[*secrets.BundleError](err); is {
		snapshot.Problem, snapshot.Missing = unusable.Error(), true
		return snapshot, nil
	}
	if err != nil {
		return snapshot, err
	}
	found, err := delivery.Read(data)
	if err != nil {
		snapshot.Problem = "spec.source: " + problem(certificate, err)
		return snapshot, nil // it is told
	}
	leaf := max(slices.IndexFunc(found, isLeaf), 0) // an authority can be tracked, too
	// Two statements: Delete overwrites what it takes away.
	snapshot.Leaf = found[leaf]
	snapshot.Above = slices.Delete(found, leaf, leaf+1)
	return snapshot, nil
}

// problem says why what was read is no certificate. In a Secret, a private key is where it belongs.
func problem(certificate *v1alpha1.TrackedCertificate, err error) string {
	from := certificate.Spec.Source.SecretKeyRef
	refusal, isRefusal := errors.AsType[*delivery.RefusalError](err)
	if from == nil || !isRefusal || refusal.Reason != delivery.PrivateKey {
		return err.Error()
	}
	return fmt.Sprintf("the key %s of Secret %s holds a private key, and was not read any further: name a key that holds "+
		"the certificate alone, such as %s", from.Key, from.Name, corev1.TLSCertKey)
}

// read gets what the source names. What is missing comes as *secrets.BundleError.
func (r *Reconciler) read(ctx context.Context, certificate *v1alpha1.TrackedCertificate) ([]byte, error) {
	switch source := certificate.Spec.Source; {
	case source.Certificate != "":
		return []byte(source.Certificate), nil
	case source.CertificateName != "":
		return r.readIssued(ctx, types.NamespacedName{Namespace: certificate.Namespace, Name: source.CertificateName})
	default:
		return secrets.ReadValue(ctx, r.Reader, "spec.source", &v1alpha1.CertificateSource{
			ConfigMapKeyRef: source.ConfigMapKeyRef, SecretKeyRef: source.SecretKeyRef,
		}, certificate.Namespace)
	}
}

// readIssued gets what cert-manager has issued for a Certificate, with its root.
func (r *Reconciler) readIssued(ctx context.Context, name types.NamespacedName) ([]byte, error) {
	issued := &cmapi.Certificate{}
	if !access.IsName(name.Name) {
		return nil, &secrets.BundleError{Field: "spec.source.certificateName", Missing: true, Err: fmt.Errorf(
			"the Certificate %s cannot exist, because that is no name of one: correct it", name)}
	}
	switch err := r.Reader.Get(ctx, name, issued); {
	case apierrors.IsNotFound(err):
		return nil, &secrets.BundleError{
			Field: "spec.source.certificateName", Missing: true, Err: fmt.Errorf("the Certificate %s does not exist", name),
		}
	case err != nil:
		return nil, fmt.Errorf("get Certificate %s: %w", name, err)
	}
	value := func(key string) ([]byte, error) {
		return secrets.ReadValue(ctx, r.Reader, "spec.source.certificateName", &v1alpha1.CertificateSource{
			SecretKeyRef: &v1alpha1.KeyReference{Name: issued.Spec.SecretName, Key: key},
		}, name.Namespace)
	}
	chain, err := value(corev1.TLSCertKey)
	if err != nil {
		return nil, err
	}
	root, err := value("ca.crt")
	if _, isMissing := errors.AsType[*secrets.BundleError](err); err != nil && !isMissing {
		return nil, err // without its root, the authorities would have changed
	}
	return slices.Concat(chain, []byte("\n"), root), nil
}

// record writes what is to be said if it is new, and reports it.
func (r *Reconciler) record(
	ctx context.Context, certificate *v1alpha1.TrackedCertificate, outcome trackedstate.Outcome,
	snapshot trackedstate.Snapshot,
) error {
	changed := certificate.DeepCopy()
	outcome.Record(changed, snapshot)
	if status.Equal(certificate.Status, changed.Status) {
		return nil
	}
	// A patch of the status alone: whatever somebody has pasted into the spec is not repeated in an audit log.
	if err := status.Patch(ctx, r.Client, changed, certificate); err != nil {
		return err
	}
	r.report(certificate, changed, outcome)
	return nil
}

// report tells what has become another reason, and reminds. What several conditions say alike is told once.
func (r *Reconciler) report(certificate, changed *v1alpha1.TrackedCertificate, outcome trackedstate.Outcome) {
	told := map[string]bool{}
	report := func(warning bool, reason, action, message string) {
		if !told[message] {
			r.Events.Report(changed, warning, reason, action, message)
		}
		told[message] = true
	}
	if outcome.Reminder > 0 {
		report(true, outcome.Expiring.Reason, fmt.Sprintf("RemindAt%dDays", outcome.Reminder), outcome.RemindedOf)
	}
	for _, kind := range []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionExpiringSoon, v1alpha1.ConditionNoticeDue,
	} {
		before := meta.FindStatusCondition(certificate.Status.Conditions, kind)
		after := meta.FindStatusCondition(changed.Status.Conditions, kind)
		warning := !reasons.Of(after.Reason).Quiet
		if (warning || kind == v1alpha1.ConditionReady) && (before == nil || before.Reason != after.Reason) {
			report(warning, after.Reason, kind, after.Message)
		}
	}
}

// isLeaf reports whether a certificate is none of an authority.
func isLeaf(certificate *x509.Certificate) bool { return !certificate.IsCA }

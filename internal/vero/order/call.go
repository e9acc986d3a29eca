package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// submit writes the intent, sends the request, and writes the outcome. Whoever else had the same intent has lost by
// then: the API server took only one of the two. Where this process has just made the order, that was the intent. What
// is reported is the difference that the outcome makes to the state before the intent, so that a request which is sent
// again in vain is no news.
func (r *Reconciler) submit(ctx context.Context, order *v1alpha1.VeroOrder, g *gathered) (ctrl.Result, error) {
	csr, err := pki.ParseCertificateRequest(order.Spec.Request)
	if err != nil {
		return ctrl.Result{}, err
	}
	service, err := r.Connect(g.issuer, g.bundles)
	if err != nil {
		return ctrl.Result{}, err
	}
	before, interruptions := order.DeepCopy(), r.pacing.interruptions(order, g.Now)
	intend := func(order *v1alpha1.VeroOrder) {
		orderstate.RecordIntent(order, g.fingerprint(), interruptions, g.Now)
	}
	created := g.own && r.Creations.Take(client.ObjectKeyFromObject(order)) && orderstate.Untouched(order)
	announced := func() *v1alpha1.VeroOrder { return nil }
	if created { // which has said so
		announced = r.announceLater(ctx, order.DeepCopy(), intend)
		intend(order)
	} else if err := r.write(ctx, order, intend); err != nil {
		return ctrl.Result{}, err
	}
	call := g.call()
	call.Intended = order.Status.SubmissionTime.Time
	r.Metrics.Submitted(order.Spec.Operation)
	started := r.Clock.Now()
	id, err := send(context.WithoutCancel(ctx), service, order, g, csr.Raw)
	g.slot.EndCall()
	if later := announced(); later != nil {
		order = later
	}
	received := receivedID(id, err)
	if replay := r.checkNotReplayed(ctx, order, received, err); replay != nil {
		received, err = receivedID("", replay), replay
	}
	call.Ended = r.Clock.Now()
	r.Metrics.Answered(protocol.Operation(order.Spec.Operation), err, call.Ended.Sub(started))
	return r.record(ctx, before, order, received, func(order *v1alpha1.VeroOrder) {
		if created && order.UID == before.UID && orderstate.IntendedByCreation(order) { // as it was read again
			orderstate.Recall(order, true)
			intend(order)
		}
		orderstate.RecordSubmission(order, id, err, call)
	})
}

// announceAfter is how long a call takes of which the order says nothing, where its creation was the intent.
const announceAfter = time.Second

// announceLater writes the intent of a call that takes long, so that people see what it waits for. What it returns ends
// that, and returns the order if it was written.
func (r *Reconciler) announceLater(
	ctx context.Context, order *v1alpha1.VeroOrder, intend func(*v1alpha1.VeroOrder),
) (end func() *v1alpha1.VeroOrder) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	due, done, written := make(chan struct{}), make(chan struct{}), false
	timer := r.Clock.AfterFunc(announceAfter, func() { close(due) })
	go func() {
		defer close(done)
		select {
		case <-ctx.Done():
			return
		case <-due:
		}
		err := r.write(ctx, order, intend)
		if written = err == nil; !written { // the outcome will be
			ctrl.LoggerFrom(ctx).V(1).Info("it could not be written that the order is being sent", "error", err.Error())
		}
	}()
	return func() *v1alpha1.VeroOrder {
		timer.Stop()
		cancel()
		<-done
		if written {
			return order
		}
		return nil
	}
}

// receivedID is the RetrievalId that a submission has led to, verified or not; empty if none.
func receivedID(id string, err error) string {
	if unverified, is := errors.AsType[*protocol.UnverifiedError](err); is {
		return unverified.RetrievalID
	}
	return id
}

// checkNotReplayed refuses a response that is one that another order has had before: it is signed, but the service has
// not given it to this request. What it gave is not known. A response that cannot be relied on ends as it would without
// its RetrievalId: with the same key, GetCertificate could not tell the other order's certificate from this one's. The
// search is in what a cache knows; what it does not know yet shows when the certificate is for another key.
//
// That another order holds the RetrievalId unverified proves nothing, nor that one of another issuer does: whoever may
// annotate an order can guess it, and whoever may create an issuer can have a service say it. Then it is kept and
// tried, as one that is not verified either: it is dropped if it leads to another's certificate.
func (r *Reconciler) checkNotReplayed(
	ctx context.Context, order *v1alpha1.VeroOrder, received string, failure error,
) error {
	if received == "" {
		return nil
	}
	known, err := find.OrdersWithRetrievalID(ctx, r.Client, received)
	if err != nil {
		return nil //nolint:nilerr // an acceptance must not be lost for want of a check
	}
	var doubt error
	for i := range known {
		other := &known[i]
		if other.UID == order.UID {
			continue
		}
		switch found := replayed(order, other, received, failure); {
		case found != nil && receivedID("", found) == "":
			return found
		case found != nil:
			doubt = found
		}
	}
	return doubt
}

// replayed is what a response comes to whose RetrievalId another order holds; nil for what it was.
func replayed(order, other *v1alpha1.VeroOrder, received string, failure error) error {
	guessed := other.Status.RetrievalIDUnverified || other.Spec.IssuerRef.UID != order.Spec.IssuerRef.UID
	if unverified, is := errors.AsType[*protocol.UnverifiedError](failure); is {
		if guessed && other.Spec.PublicKeyDigest != order.Spec.PublicKeyDigest {
			return nil
		}
		return unverified.WithoutRetrievalID()
	}
	holder := "VeroOrder " + other.Name
	if other.Namespace != order.Namespace {
		holder = "a VeroOrder in another namespace" // whose name is nobody's business here
	}
	replay := &protocol.ResponseError{Problem: "its RetrievalId is the one that " + holder + " has had before"}
	if guessed {
		return &protocol.UnverifiedError{RetrievalID: received, Err: replay}
	}
	return replay
}

func send(
	ctx context.Context, service Service, order *v1alpha1.VeroOrder, g *gathered, csr []byte,
) (string, error) {
	if order.Spec.Operation == v1alpha1.VeroOperationRenew {
		message := &protocol.Renew{Party: g.party(), CSR: csr}
		return service.Renew(ctx, message, g.identity.Key(), g.identity.Leaf)
	}
	return service.SignNew(ctx, &protocol.SignNew{
		Party: g.party(), TransferID: g.transfer.ID, TransferPassword: g.transfer.Password, CSR: csr,
	})
}

// poll asks for the certificate, checks that it is the one that was asked for, and writes the outcome. Asking twice
// costs nothing, so the intent is written only where an earlier controller may have ended in this very call.
func (r *Reconciler) poll(ctx context.Context, order *v1alpha1.VeroOrder, g *gathered) (ctrl.Result, error) {
	service, err := r.Connect(g.issuer, g.bundles)
	if err != nil {
		return ctrl.Result{}, err
	}
	if r.pacing.needsIntent(order, g.Now) {
		interruptions := r.pacing.interruptions(order, g.Now)
		if err := r.write(ctx, order, func(order *v1alpha1.VeroOrder) {
			orderstate.RecordPollIntent(order, interruptions, g.Now)
		}); err != nil {
			return ctrl.Result{}, err
		}
	}
	r.Metrics.Polled(order.Spec.Operation)
	started := r.Clock.Now()
	asked := &protocol.Get{Party: g.party(), RetrievalID: order.Status.RetrievalID}
	raw, err := service.Get(context.WithoutCancel(ctx), asked)
	g.slot.EndCall()
	call := g.call()
	call.RetrievalID, call.Ended = order.Status.RetrievalID, r.Clock.Now()
	r.Metrics.Answered(protocol.GetCertificate, err, call.Ended.Sub(started))
	var issued *orderstate.Issued
	if err == nil {
		issued, err = r.check(ctx, raw, order, g, call.Ended)
	}
	return r.record(ctx, order.DeepCopy(), order, "", func(order *v1alpha1.VeroOrder) {
		orderstate.RecordPoll(order, issued, err, call)
	})
}

// check makes a chain of the service's certificate. What cannot even be parsed is a wrong certificate too.
func (r *Reconciler) check(
	ctx context.Context, raw []byte, order *v1alpha1.VeroOrder, g *gathered, now time.Time,
) (*orderstate.Issued, error) {
	leaf, err := pki.ParseCertificate(raw)
	if err != nil {
		return nil, &pki.IssuedError{Reason: pki.IssuedInvalidChain, Err: err}
	}
	chain, err := pki.CheckIssued(leaf, pki.Issued{
		PublicKeyDigest: order.Spec.PublicKeyDigest, CustomerID: order.Spec.CustomerID,
		Now: now, Trust: g.bundles.Issuance,
	})
	if err != nil {
		return nil, err
	}
	if err := r.checkNotReissued(ctx, order, facts.SerialNumber(leaf)); err != nil {
		return nil, err
	}
	certificate, ca := pki.EncodeChain(chain)
	return &orderstate.Issued{Certificate: certificate, CA: ca}, nil
}

// checkNotReissued refuses a certificate that is one that the key has had before, as it can be with rotationPolicy
// Never: a response tells no RetrievalId, and the signed one to an earlier question may come once more.
func (r *Reconciler) checkNotReissued(ctx context.Context, order *v1alpha1.VeroOrder, serialNumber string) error {
	if renewal := order.Spec.Renewal; renewal != nil && renewal.SerialNumber == serialNumber {
		return &pki.IssuedError{Reason: pki.IssuedEarlier, Err: fmt.Errorf(
			"it is certificate %s, which is to be renewed", serialNumber)}
	}
	known, err := find.OrdersWithCertificate(
		ctx, r.Client, order.Namespace, order.Spec.PublicKeyDigest, serialNumber)
	if err != nil {
		return nil //nolint:nilerr // a certificate must not be lost for want of this check
	}
	for i := range known {
		other := &known[i]
		if other.UID != order.UID && other.Status.RetrievalID != order.Status.RetrievalID {
			return &pki.IssuedError{Reason: pki.IssuedEarlier, Err: fmt.Errorf(
				"it is certificate %s, which VeroOrder %s has borne", serialNumber, other.Name)}
		}
	}
	return nil
}

// fingerprint is that of the transfer password that the order is sent with; empty for renewals.
func (g *gathered) fingerprint() string {
	if g.Transfer == nil {
		return ""
	}
	return g.Transfer.Credentials.Fingerprint
}

func (g *gathered) party() protocol.Party {
	return protocol.Party{
		Environment: protocol.Environment(g.Order.Spec.Environment), CustomerID: g.Order.Spec.CustomerID,
		CustomerName: g.issuer.VeroSpec().CustomerName,
	}
}

func (g *gathered) call() orderstate.Call {
	return orderstate.Call{
		IssuerUID: g.Issuer.UID, IssuerGeneration: g.Issuer.Generation, TrustDigest: g.Issuer.TrustDigest,
		Timeout: g.Issuer.Timeout,
	}
}

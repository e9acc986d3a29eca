package order

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

//+kubebuilder:rbac:groups=varmenne.dev,resources=veroorders,verbs=patch

// adopt takes a RetrievalId over that the annotation of an order brings; done reports whether there was one, and so
// nothing else is to be done now. The id is in the status before the annotation goes, and the order does nothing before
// that has gone: whenever the controller ends in between, the next one finds the annotation and removes it.
func (r *Reconciler) adopt(ctx context.Context, order *v1alpha1.VeroOrder) (result ctrl.Result, done bool, err error) {
	adoption, asked := orderstate.AdoptionOf(order)
	now := r.Clock.Now()
	switch {
	case !asked:
		return ctrl.Result{}, false, nil
	case adoption.Holds:
		action := orderstate.Action{
			Verb: orderstate.Wait, Reason: v1alpha1.ReasonRetrievalIDNotAdopted, Message: adoption.Problem,
		}
		err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) { orderstate.RecordWaiting(order, action, now) })
		return ctrl.Result{RequeueAfter: resyncInterval}, true, err
	case adoption.RetrievalID != "":
		err := r.update(ctx, order, func(order *v1alpha1.VeroOrder) {
			orderstate.RecordAdoption(order, adoption.RetrievalID, now)
		})
		if err != nil {
			return ctrl.Result{}, true, err
		}
	}
	if err := r.removeAdoption(ctx, order); err != nil {
		return ctrl.Result{}, true, err
	}
	if adoption.Problem != "" {
		r.Events.Report(order, true, v1alpha1.ReasonRetrievalIDNotAdopted, "Adopt", adoption.Problem)
		ctrl.LoggerFrom(ctx).Info("RetrievalId not taken over", "message", adoption.Problem)
	}
	return ctrl.Result{RequeueAfter: r.next(order)}, true, nil
}

// removeAdoption removes the annotation that was read, and no other: somebody may have put another RetrievalId into it
// since.
func (r *Reconciler) removeAdoption(ctx context.Context, order *v1alpha1.VeroOrder) error {
	before := order.DeepCopy()
	delete(order.Annotations, v1alpha1.AnnotationAdoptRetrievalID)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, order, patch); err != nil {
		return fmt.Errorf("remove the annotation %s: %w", v1alpha1.AnnotationAdoptRetrievalID, err)
	}
	return nil
}

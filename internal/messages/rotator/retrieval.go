package rotator

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// mostAhead is how far the clock of whoever writes a heartbeat may be ahead.
const mostAhead = 5 * time.Minute

// retrieval reads when messages of end users were last fetched.
func (r *Reconciler) retrieval(
	ctx context.Context, object *v1alpha1.MessagesPassword, now time.Time,
) (rotation.Retrieval, error) {
	watched := object.Spec.Retrieval
	switch {
	case watched == nil:
		return rotation.Retrieval{}, nil
	case watched.Heartbeat != nil:
		return r.heartbeat(ctx, object.Namespace, watched.Heartbeat, now)
	default:
		return r.lastSuccess(ctx, object.Namespace, watched.CronJobName, now)
	}
}

// lastSuccess is that of a CronJob; none yet is no problem of the CronJob, nor is that it is suspended for a while.
func (r *Reconciler) lastSuccess(
	ctx context.Context, namespace, name string, now time.Time,
) (rotation.Retrieval, error) {
	job := &batchv1.CronJob{}
	problem, err := r.look(ctx, "spec.retrieval.cronJobName", "CronJob", namespace, name, job)
	if err != nil || problem != "" {
		return rotation.Retrieval{Problem: problem}, err
	}
	seen := rotation.Retrieval{}
	if job.Spec.Suspend != nil && *job.Spec.Suspend {
		seen.Remark = fmt.Sprintf("CronJob %s is suspended", name)
	}
	switch last := job.Status.LastSuccessfulTime; {
	case last == nil:
	case last.After(now.Add(mostAhead)):
		seen.Problem = fmt.Sprintf("CronJob %s has last succeeded at %s, which lies ahead: compare the clocks of the "+
			"control plane and of the controller", name, last.UTC().Format(time.RFC3339))
	default:
		seen.Last = last.Time
	}
	return seen, nil
}

// heartbeat is what an application has written into an annotation of its Deployment.
func (r *Reconciler) heartbeat(
	ctx context.Context, namespace string, from *v1alpha1.MessagesHeartbeat, now time.Time,
) (rotation.Retrieval, error) {
	deployment := &appsv1.Deployment{}
	field := "spec.retrieval.heartbeat.deploymentName"
	problem, err := r.look(ctx, field, "Deployment", namespace, from.DeploymentName, deployment)
	if err != nil || problem != "" {
		return rotation.Retrieval{Problem: problem}, err
	}
	value, written := deployment.Annotations[from.Annotation]
	if !written {
		return rotation.Retrieval{}, nil
	}
	last, unreadable := time.Parse(time.RFC3339, value)
	if unreadable != nil || last.After(now.Add(mostAhead)) {
		//nolint:nilerr // it is told
		return rotation.Retrieval{Problem: fmt.Sprintf("annotation %s of Deployment %s is no time that has passed: the "+
			"application has to write when it has last fetched messages, as 2026-11-28T12:00:00Z", from.Annotation,
			from.DeploymentName)}, nil
	}
	return rotation.Retrieval{Last: last.Truncate(time.Second)}, nil // as status.lastRetrievalTime stores it
}

// look reads what spec.retrieval names; problem says why there is nothing to look at.
func (r *Reconciler) look(
	ctx context.Context, field, kind, namespace, name string, into client.Object,
) (problem string, err error) {
	var unread error
	if access.IsName(name) {
		unread = r.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)
	}
	switch err := unread; {
	case apierrors.IsNotFound(err), !access.IsName(name):
		return fmt.Sprintf("%s: there is no %s %s: correct the name, or leave spec.retrieval out", field, kind, name), nil
	case apierrors.IsForbidden(err):
		return fmt.Sprintf("%s: the controller may not get %ss in namespace %s: allow it (messages.namespaces of the chart "+
			"does)", field, kind, namespace), nil
	case err != nil:
		return "", fmt.Errorf("get %s %s: %w", kind, name, err)
	}
	return "", nil
}

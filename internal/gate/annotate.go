package gate

import (
	"context"
	"fmt"
	"maps"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

//+kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=patch

// write brings a request's annotations and status to the API server. What it cannot be annotated with does not keep it
// from its status, but where somebody else has changed it meanwhile, for which the status would be refused as well.
func (r *Reconciler) write(
	ctx context.Context, request, before *cmapi.CertificateRequest, annotations map[string]string,
) (written, unannotated error) {
	err := r.annotate(ctx, request, before, annotations)
	if apierrors.IsConflict(err) {
		r.kept.forget(request.UID)
		return err, nil
	}
	if written := status.Patch(ctx, r.Client, request, before); written != nil {
		r.kept.forget(request.UID)
		return written, err
	}
	r.kept.keep(request, before.ResourceVersion)
	return nil, err
}

// annotate lets a request that waits for its order carry what the Backend needs of that. It comes before the status, so
// that what people are shown is there for the next controller too. The status is then written to the request as it is
// after that: both have its resourceVersion.
func (r *Reconciler) annotate(
	ctx context.Context, request, before *cmapi.CertificateRequest, annotations map[string]string,
) error {
	differ := map[string]*string{}
	for name, value := range annotations {
		now, has := before.Annotations[name]
		switch {
		case value == "" && has:
			differ[name] = nil // which removes it
		case value != "" && now != value:
			differ[name] = &value
		}
	}
	if len(differ) == 0 {
		return nil
	}
	patch, err := status.LockedPatch(before.ResourceVersion, differ, nil)
	if err != nil {
		return fmt.Errorf("write the annotations of CertificateRequest %s: %w", request.Name, err)
	}
	changed := &cmapi.CertificateRequest{}
	changed.Namespace, changed.Name = request.Namespace, request.Name
	if err := r.Client.Patch(ctx, changed, patch); err != nil {
		return fmt.Errorf("write the annotations of CertificateRequest %s: %w", request.Name, err)
	}
	r.kept.keep(changed, before.ResourceVersion) // what a watch tells of it is no news
	for _, object := range []*cmapi.CertificateRequest{request, before} {
		object.Annotations, object.ResourceVersion = maps.Clone(changed.Annotations), changed.ResourceVersion
	}
	return nil
}

// reportUnannotated tells with an event that a request could not be annotated, if that persists. What the request says
// stays as it is: its certificate comes all the same.
func (r *Reconciler) reportUnannotated(ctx context.Context, request *cmapi.CertificateRequest, failure error) {
	name, now := client.ObjectKeyFromObject(request), r.Clock.Now()
	if failure == nil || !r.persists(ctx, request, failure) || !r.errors.Due(name, now) {
		return
	}
	r.errors.Reported(name, now)
	r.Events.Report(request, true, v1alpha1.ReasonClusterError, "Retry", fmt.Sprintf("%v; it is tried again", failure))
}

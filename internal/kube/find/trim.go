package find

import (
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Trim is a transform of cached objects, of which thousands may wait for a person: nobody here asks who manages their
// fields or who has made a request, and conditions that say the same keep that once. What is left out is never written
// either: status and annotations are all that is, and by patches.
func Trim() cache.TransformFunc {
	unmanaged := ctrlcache.TransformStripManagedFields()
	return func(object any) (any, error) {
		object, err := unmanaged(object)
		if err != nil {
			return nil, fmt.Errorf("leave out who manages the fields: %w", err)
		}
		switch object := object.(type) {
		case *cmapi.CertificateRequest:
			object.Spec.Username, object.Spec.UID, object.Spec.Groups, object.Spec.Extra = "", "", nil, nil
		case *v1alpha1.ManualOrder:
			conditions := object.Status.Conditions
			for i := 1; i < len(conditions); i++ { // mostly they say the same
				if conditions[i].Message == conditions[0].Message {
					conditions[i].Message = conditions[0].Message
				}
			}
		}
		return object, nil
	}
}

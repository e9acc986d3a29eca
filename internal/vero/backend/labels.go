package backend

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// checkLabels says why an order that exists is not found although the cache knows it: somebody has taken a label away.
func checkLabels(wanted *v1alpha1.VeroOrder) func(client.Object) error {
	return func(existing client.Object) error {
		order, isOrder := existing.(*v1alpha1.VeroOrder)
		if !isOrder {
			return nil
		}
		for label, value := range wanted.Labels {
			anotherKey := label == v1alpha1.LabelPublicKey && order.Spec.PublicKeyDigest != wanted.Spec.PublicKeyDigest
			if order.Labels[label] != value && !anotherKey {
				return fmt.Errorf("VeroOrder %s has lost its label %s, by which it is found: set it to %s",
					order.Name, label, value)
			}
		}
		return nil
	}
}

package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// annotationRestoreStatus lets Velero restore the status with the object, without which an order does not know its
// RetrievalId any more, nor that its credentials are spent.
const annotationRestoreStatus = "velero.io/restore-status"

func newOrder(
	request *cmapi.CertificateRequest, snapshot plan.Snapshot, action plan.Action,
) *v1alpha1.VeroOrder {
	digest := snapshot.Request.PublicKeyDigest
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: request.Namespace,
			Labels:    map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(digest)},
			Annotations: map[string]string{
				v1alpha1.AnnotationRequestName: request.Name,
				annotationRestoreStatus:        "true",
			},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{
				Kind: snapshot.Issuer.Kind, Name: snapshot.Issuer.Name, UID: snapshot.Issuer.UID,
			},
			Operation: action.Operation, Environment: snapshot.Issuer.Environment,
			CustomerID: snapshot.Issuer.CustomerID, Request: request.Spec.Request, RequestUID: request.UID,
			PublicKeyDigest: digest, Attempt: action.Attempt,
		},
	}
	if name := request.Annotations[cmapi.CertificateNameKey]; name != "" {
		order.Annotations[cmapi.CertificateNameKey] = name
	}
	if action.Operation == v1alpha1.OperationRenew {
		order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
			SecretName:   snapshot.Current.SecretName,
			SerialNumber: snapshot.Current.SerialNumber,
			NotAfter:     metav1.Time{Time: snapshot.Current.NotAfter},
		}
		order.Labels[v1alpha1.LabelRenews] = v1alpha1.LabelValue(snapshot.Current.SerialNumber)
	} else {
		order.Spec.Transfer = &v1alpha1.TransferAuthorization{
			SecretName: snapshot.Transfer.SecretName, TransferIDDigest: snapshot.Transfer.IDDigest,
		}
		order.Labels[v1alpha1.LabelTransferID] = v1alpha1.LabelValue(snapshot.Transfer.IDDigest)
	}
	order.Name = nameOf(&order.Spec)
	return order
}

// nameOf derives the name of an order from what it spends, so that the API server refuses a second order that would
// spend the same: a TransferId, whoever asks and with whatever key; or a renewal of one certificate with one key.
func nameOf(spec *v1alpha1.VeroOrderSpec) string {
	identity := []string{string(spec.Operation), strconv.Itoa(int(spec.Attempt))}
	prefix := "sign-"
	if spec.Renewal != nil {
		prefix = "renew-"
		identity = append(identity, spec.Renewal.SerialNumber, spec.PublicKeyDigest)
	} else {
		identity = append(identity, spec.Transfer.TransferIDDigest)
	}
	digest := sha256.Sum256([]byte(strings.Join(identity, "/")))
	const length = 10
	return prefix + hex.EncodeToString(digest[:length])
}

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

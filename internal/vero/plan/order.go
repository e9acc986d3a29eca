package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// annotationRestoreStatus lets Velero restore the status with the object, without which an order does not know its
	// RetrievalId any more, nor that its credentials are spent.
	annotationRestoreStatus = "velero.io/restore-status"
	// annotationCertificateName is where cert-manager writes which Certificate something was made for.
	annotationCertificateName = "cert-manager.io/certificate-name"
)

// NewOrder is the order that is to be created, for a snapshot for which Create was decided.
func NewOrder(s Snapshot, action Action) *v1alpha1.VeroOrder {
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Request.Namespace,
			Labels:    map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(s.Request.PublicKeyDigest)},
			Annotations: map[string]string{
				v1alpha1.AnnotationRequestName: s.Request.Name,
				annotationRestoreStatus:        "true",
			},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: s.Issuer.Kind, Name: s.Issuer.Name, UID: s.Issuer.UID},
			Operation: action.Operation, Environment: s.Issuer.Environment, CustomerID: s.Issuer.CustomerID,
			Request: s.Request.CSR, RequestUID: s.Request.UID, PublicKeyDigest: s.Request.PublicKeyDigest,
			Attempt: action.Attempt,
		},
	}
	if name := s.Request.CertificateName; name != "" {
		order.Annotations[annotationCertificateName] = name
	}
	s.authorize(order)
	s.remember(order)
	order.Name = nameOf(&order.Spec)
	return order
}

// authorize writes into an order what it is to spend.
func (s Snapshot) authorize(order *v1alpha1.VeroOrder) {
	if order.Spec.Operation == v1alpha1.VeroOperationRenew {
		order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
			SecretName:   s.Current.SecretName,
			SerialNumber: s.Current.SerialNumber,
			NotAfter:     metav1.Time{Time: s.Current.NotAfter},
		}
		order.Labels[v1alpha1.LabelRenews] = v1alpha1.LabelValue(s.Current.SerialNumber)
		return
	}
	order.Spec.Transfer = &v1alpha1.TransferAuthorization{
		SecretName: s.Transfer.SecretName, TransferIDDigest: s.Transfer.IDDigest,
	}
	order.Labels[v1alpha1.LabelTransferID] = v1alpha1.LabelValue(s.Transfer.IDDigest)
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

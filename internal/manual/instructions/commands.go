package instructions

import (
	"fmt"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// CSRFile is the name of the file that WriteRequest writes.
func CSRFile(order *v1alpha1.ManualOrder) string { return order.Name + ".csr" }

// WriteRequest is the command that writes an order's request into a file.
func WriteRequest(order *v1alpha1.ManualOrder) string {
	return fmt.Sprintf("kubectl get manualorder -n %s %s -o jsonpath='{.spec.request}' | base64 -d > %s",
		order.Namespace, order.Name, CSRFile(order))
}

// NoteApplication is the command that notes an application; the reference is to be put in the place of “…”.
func NoteApplication(order *v1alpha1.ManualOrder) string {
	return fmt.Sprintf("kubectl patch manualorder -n %s %s --type merge -p "+
		"'{\"spec\":{\"application\":{\"reference\":\"…\"}}}'", order.Namespace, order.Name)
}

// RemoveApplication is the command that removes the note of an application, once that was stopped.
func RemoveApplication(order *v1alpha1.ManualOrder) string {
	return fmt.Sprintf("kubectl patch manualorder -n %s %s --type merge -p '{\"spec\":{\"application\":null}}'",
		order.Namespace, order.Name)
}

// StoreFile is the command that puts what came into a ConfigMap; its name is to be put in the place of FILE.
func StoreFile(order *v1alpha1.ManualOrder) string {
	return fmt.Sprintf("kubectl create configmap -n %s %s --from-file=certificate=FILE", order.Namespace, order.Name)
}

// NameFile is the command that names the ConfigMap of StoreFile in the order, in the place of whatever was brought
// before in another way.
func NameFile(order *v1alpha1.ManualOrder) string {
	return fmt.Sprintf("kubectl patch manualorder -n %s %s --type merge -p "+
		"'{\"spec\":{\"certificate\":null,\"certificateFrom\":{\"secretKeyRef\":null,"+
		"\"configMapKeyRef\":{\"name\":\"%s\",\"key\":\"certificate\"}}}}'",
		order.Namespace, order.Name, order.Name)
}

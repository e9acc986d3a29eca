package secrets

import (
	"cmp"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
)

// NotedIssuer is the issuer that a Secret's certificate is of, as cert-manager sees it: in the annotations that it
// leaves on the Secret. Its zero value stands for a Secret without them.
type NotedIssuer struct{ name, kind, group string }

func notedIssuer(secret *corev1.Secret) NotedIssuer {
	return NotedIssuer{
		name:  secret.Annotations[cmapi.IssuerNameAnnotationKey],
		kind:  secret.Annotations[cmapi.IssuerKindAnnotationKey],
		group: secret.Annotations[cmapi.IssuerGroupAnnotationKey],
	}
}

// Differs says why cert-manager takes the certificate in a Secret for one of another issuer than a Certificate names,
// and asks for a new one at once; in words that follow "the Secret". It is empty where cert-manager sees no difference.
func (n NotedIssuer) Differs(reference cmmeta.IssuerReference) string {
	// cert-manager's defaults, for what is left out.
	kind, group := cmp.Or(n.kind, cmapi.IssuerKind), cmp.Or(n.group, cmapi.SchemeGroupVersion.Group)
	switch {
	case n == NotedIssuer{}:
		return "does not say which issuer its certificate is of"
	case n.name == reference.Name && kind == reference.Kind && group == reference.Group:
		return ""
	default:
		return fmt.Sprintf("says that its certificate is of %s %s (%s), and the Certificate names %s %s (%s)",
			kind, cmp.Or(n.name, "without a name"), group, reference.Kind, reference.Name, reference.Group)
	}
}

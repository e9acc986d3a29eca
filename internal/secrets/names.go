package secrets

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// isName is whether a text can be the name of an object. Others never reach the API server: it would answer with an
// error that nobody reads, again and again.
func isName(text string) bool { return len(validation.IsDNS1123Subdomain(text)) == 0 }

// notAllowed says what to do about a read that RBAC forbids.
func notAllowed(kind, namespace string) string {
	return fmt.Sprintf("may not be read by the controller: allow its ServiceAccount to get %ss in namespace %s",
		kind, namespace)
}

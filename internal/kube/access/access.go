// Package access says what an object is for that could not be read, and what to do about a read that is not allowed.
package access

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// IsName reports whether a text can be the name of an object. Others never reach the API server: it would answer with
// an error that nobody reads, again and again.
func IsName(text string) bool { return len(validation.IsDNS1123Subdomain(text)) == 0 }

// NotAllowed says what to do about a read that RBAC forbids.
func NotAllowed(kind, namespace string) string {
	return fmt.Sprintf("may not be read by the controller: allow its ServiceAccount to get %ss in namespace %s",
		kind, namespace)
}

// Error is why an object could not be read; what says what the object is for.
func Error(kind string, name types.NamespacedName, what string, err error) error {
	if apierrors.IsForbidden(err) {
		text := fmt.Sprintf("%s %s %s %s", kind, name, what, NotAllowed(kind, name.Namespace))
		return &forbiddenError{text: text, cause: err}
	}
	return fmt.Errorf("get %s %s %s: %w", kind, name, what, err)
}

// forbiddenError says what to do, where the API server's own error says who was refused which verb.
type forbiddenError struct {
	text  string
	cause error
}

func (e *forbiddenError) Error() string { return e.text }

func (e *forbiddenError) Unwrap() error { return e.cause }

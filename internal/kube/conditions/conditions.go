// Package conditions reads the conditions of cert-manager's objects. It needs nothing but those, so that pure functions
// may use it; cert-manager's own package for that brings logs and metrics along.
package conditions

import (
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// Find is a condition of a CertificateRequest, nil if it has none of that type.
func Find(
	request *cmapi.CertificateRequest, kind cmapi.CertificateRequestConditionType,
) *cmapi.CertificateRequestCondition {
	conditions := request.Status.Conditions
	i := slices.IndexFunc(conditions, func(c cmapi.CertificateRequestCondition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &conditions[i]
}

// IsTrue reports whether a CertificateRequest has a condition with status True.
func IsTrue(request *cmapi.CertificateRequest, kind cmapi.CertificateRequestConditionType) bool {
	found := Find(request, kind)
	return found != nil && found.Status == cmmeta.ConditionTrue
}

// ReadyMessage is the message of a CertificateRequest's Ready condition, empty if it has none.
func ReadyMessage(request *cmapi.CertificateRequest) string {
	if ready := Find(request, cmapi.CertificateRequestConditionReady); ready != nil {
		return ready.Message
	}
	return ""
}

// inTurn is in what a CertificateRequest says that waits for its turn, and in nothing else.
const inTurn = " waits for its turn behind others of "

// TurnMessage is what a CertificateRequest says that waits for its turn.
func TurnMessage(request *cmapi.CertificateRequest) string {
	reference := request.Spec.IssuerRef
	return fmt.Sprintf("CertificateRequest %s%s%s %s or of its namespace; nothing was sent for it yet",
		request.Name, inTurn, reference.Kind, reference.Name)
}

// WaitsForTurn reports whether that is what a CertificateRequest says.
func WaitsForTurn(request *cmapi.CertificateRequest) bool {
	return strings.Contains(ReadyMessage(request), inTurn)
}

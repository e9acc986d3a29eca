package plan

import (
	"fmt"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// operation is the table of the package comment.
func (s Snapshot) operation() Action {
	renewable := s.renewable()
	open := !s.Now.Before(s.windowOpens())
	attempt, problem := s.credentials()
	switch {
	case renewable && open && (problem != "" || !s.renewalFailed()):
		return s.create(v1alpha1.VeroOperationRenew, s.renewalAttempt())
	case problem == "" && !s.setAside():
		return s.create(v1alpha1.VeroOperationSignNew, attempt)
	case renewable:
		return s.awaitWindow()
	default:
		return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForCredentials,
			At:      s.Now.Add(facts.CredentialsPollInterval),
			Message: s.whyCredentials() + s.missing(problem) + s.orphanHint() + s.caution()}
	}
}

// caution ends a message of a request that waits before anything is spent on it.
func (s Snapshot) caution() string {
	if s.Request.Caution == "" {
		return ""
	}
	return "; " + s.Request.Caution
}

// whyCredentials says why a renewal is not the way, where a reader would expect one.
func (s Snapshot) whyCredentials() string {
	const so = ", so a new one needs transfer credentials: "
	if s.Current.Absent {
		return ""
	}
	if s.Current.Problem != "" {
		return s.Current.Problem + so
	}
	if refused := s.refusedRenewal(); refused != nil {
		return fmt.Sprintf("the service does not renew the certificate in Secret %s (VeroOrder %s)",
			s.Current.SecretName, refused.Name) + so
	}
	return ""
}

func (s Snapshot) create(operation v1alpha1.VeroOperation, attempt int32) Action {
	deleted := s.orphan()
	if s.adopts(operation) {
		deleted += ": the new one asks for the certificate with it"
	}
	return Action{Verb: Create, Reason: v1alpha1.ReasonOrderCreated, Operation: operation, Attempt: attempt,
		Message: deleted}
}

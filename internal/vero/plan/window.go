package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// renewable reports whether the current certificate can sign a renewal, as far as is known, and the service has not
// refused to renew it.
func (s Snapshot) renewable() bool { return s.Current.Usable() && s.refusedRenewal() == nil }

// windowOpens is when the current certificate may be renewed.
func (s Snapshot) windowOpens() time.Time {
	return pki.WindowOpens(s.Current.NotAfter, s.Issuer.Window)
}

// early reports whether a new certificate would come before the current one can be renewed, or could if the issuer's
// trust were right: whoever puts a wrong authority into spec.trust.issuance does not mean to pay for certificates.
func (s Snapshot) early() bool {
	standing := s.renewable() || s.Current.Unproven && s.refusedRenewal() == nil
	return standing && s.Now.Before(s.windowOpens())
}

// setAside reports whether the transfer credentials are not meant for the request. cert-manager asks early for many
// reasons (a renamed issuer, annotations that were lost, a renewal of everything); that somebody wants to pay for it
// is certain only where the Certificate itself names the credentials.
func (s Snapshot) setAside() bool { return s.early() && !s.Transfer.Named }

// awaitWindow waits for the renewal window, and says why the request waits and what there is to do.
func (s Snapshot) awaitWindow() Action {
	opens := s.windowOpens()
	message := fmt.Sprintf("the certificate in Secret %s can be renewed from %s on, and stays in use until then",
		s.Current.SecretName, opens.UTC().Format(time.RFC3339))
	switch {
	case s.Current.Unreadable:
		message += "; but cert-manager cannot read it as it is there, and asks for another one: write tls.crt and tls.key " +
			"as plain PEM, without a byte order mark, with the certificate of the key first"
	case s.Current.NotOurs != "":
		message += s.annotationsHint()
	default:
		message += s.renewBeforeHint()
	}
	return Action{Verb: Wait, Reason: v1alpha1.ReasonWaitingForWindow,
		At:      slices.MinFunc([]time.Time{opens, s.Now.Add(windowPollInterval)}, time.Time.Compare),
		Message: message + s.refusedHint() + s.setAsideHint() + s.orphanHint() + s.caution()}
}

// renewBeforeHint says how the wait for the window is avoided, where it is the Certificate that asks too early. It may
// be a person, too, or cert-manager, which does not know a Secret as this issuer's.
func (s Snapshot) renewBeforeHint() string {
	if before := s.Request.RenewBefore; before > 0 && before <= s.Issuer.Window {
		return ""
	}
	instead := ""
	if s.Request.ByPercentage {
		instead = ", in place of spec.renewBeforePercentage,"
	}
	return fmt.Sprintf("; set spec.renewBefore of the Certificate to %s or less%s to be spared the wait",
		s.Issuer.Window, instead)
}

// annotationsHint says why cert-manager asks for a certificate although there is one, and how the Certificate becomes
// Ready without another.
func (s Snapshot) annotationsHint() string {
	return fmt.Sprintf("; cert-manager asks for another one because the Secret %s: if this certificate shall stay, set "+
		"the Secret's annotations cert-manager.io/issuer-name to %s, cert-manager.io/issuer-kind to %s and "+
		"cert-manager.io/issuer-group to %s, delete CertificateRequests of the Certificate that name another issuer, and "+
		"it is Ready while this one waits",
		s.Current.NotOurs, s.Issuer.Name, s.Issuer.Kind, v1alpha1.GroupName)
}

// setAsideHint says what to do where the credentials that lie there are meant for this request after all.
func (s Snapshot) setAsideHint() string {
	if !s.CredentialsAvailable() || !s.setAside() {
		return ""
	}
	return "; " + s.notMeant()
}

// notMeant says why credentials that lie there are set aside, and how they are used all the same.
func (s Snapshot) notMeant() string {
	return fmt.Sprintf("the transfer credentials in Secret %s are not used, because the Certificate does not name "+
		"them: to order a new certificate with them now, set its annotation %s to %s",
		s.Transfer.SecretName, v1alpha1.AnnotationTransferSecret, s.Transfer.SecretName)
}

// missing says which credentials an unusable certificate waits for; problem is what is wrong with those that the
// request names, empty if nothing is.
func (s Snapshot) missing(problem string) string {
	switch {
	case !s.setAside():
		return problem
	case problem == "":
		return s.notMeant()
	default:
		return fmt.Sprintf("%s; until %s only those pay that the Certificate itself names in its annotation %s",
			problem, s.windowOpens().UTC().Format(time.RFC3339), v1alpha1.AnnotationTransferSecret)
	}
}

package overview

import (
	"strings"
	"unicode"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// remedy is what a person does about a reason. In command stand NAMESPACE, NAME for the row's own object, ORDER for its
// order and REQUEST for its request.
type remedy struct{ todo, command string }

const (
	bringCertificate = "kubectl varmenne complete -n NAMESPACE ORDER FILE"
	putCredentials   = "kubectl varmenne credentials -n NAMESPACE NAME"
	rotate           = "kubectl varmenne rotate -n NAMESPACE NAME"
	tryAgain         = "cmctl renew -n NAMESPACE NAME"
	why              = "kubectl varmenne why -n NAMESPACE NAME"
)

// remedies are for the reasons with which a plain word says what to do. With others the message does.
var remedies = map[string]remedy{
	v1alpha1.ReasonApplicationDue: {
		"carry the CSR to the authority", "kubectl varmenne csr -n NAMESPACE ORDER > ORDER.csr",
	},
	v1alpha1.ReasonCertificateRejected: {"bring another certificate: what came cannot be used", bringCertificate},
	v1alpha1.ReasonAwaitingValidity:    {"see that no day is without a certificate", bringCertificate},
	v1alpha1.ReasonApplicationStale: {
		"stop the application: nobody waits for it any more", "kubectl varmenne applied -n NAMESPACE ORDER --stopped",
	},
	v1alpha1.ReasonWaitingForCredentials: {"put in transfer credentials", putCredentials},
	v1alpha1.ReasonCredentialsRefused:    {"put in other transfer credentials: the service refuses these", putCredentials},
	v1alpha1.ReasonResponseLost:          {"put in new transfer credentials: the response was lost", putCredentials},
	v1alpha1.ReasonRenewalRefused:        {"put in transfer credentials: the renewal was refused", putCredentials},
	v1alpha1.ReasonCertificateExpired:    {"put in transfer credentials: it is too late for a renewal", putCredentials},
	v1alpha1.ReasonRetrievalOverdue:      {"ask the certificate service about the order", why},
	v1alpha1.ReasonWaitingForApproval:    {"approve the request", "cmctl approve -n NAMESPACE REQUEST"},
	v1alpha1.ReasonDenied:                {"ask who denied the request, and have it made again", tryAgain},
	v1alpha1.ReasonInvalidRequest:        {"correct the Certificate", tryAgain},
	cmapi.CertificateRequestReasonFailed: {"see why the request failed, and have it made again", why},
	v1alpha1.ReasonExpiringSoon:          {"get another certificate", ""},
	v1alpha1.ReasonExpired:               {"get another certificate: this one has ended", ""},
	v1alpha1.ReasonChanged: {
		"send the notice, and say so", "kubectl varmenne notice -n NAMESPACE NAME",
	},
	v1alpha1.ReasonSixMonthsOld: {"rotate the password: it is recommended", rotate},
	v1alpha1.ReasonOneYearOld:   {"rotate the password: it is demanded", rotate},
}

// help says what a person does about the reason of a row.
func (r *Row) help(request *cmapi.CertificateRequest) {
	known, isKnown := remedies[r.Reason]
	if !isKnown {
		known = remedy{short(r.Message), why}
		if kind, _, _ := strings.Cut(r.Issuer, "/"); r.Reason == "" && v1alpha1.NewVeroIssuer(kind) != nil {
			known.command = putCredentials
		}
	}
	r.Todo = known.todo
	order, waits := r.Name, ""
	if step := r.order(); step != nil {
		order = step.Name
	}
	if request != nil {
		waits = request.Name
	}
	r.Command = strings.NewReplacer("NAMESPACE", r.Namespace, "NAME", r.Name, "ORDER", order, "REQUEST", waits).
		Replace(known.command)
}

// order is the step of the row's order, nil if it has none.
func (r *Row) order() *Step {
	if step := r.Step(KindManualOrder); step != nil {
		return step
	}
	return r.Step(KindVeroOrder)
}

// short is the first part of a message, as far as a table takes it.
func short(message string) string {
	message, _, _ = strings.Cut(message, "; ")
	return word(message)
}

// word is a text in one line and without what moves a cursor, as far as a table takes it. What the API server holds to
// no form, and everybody may write who edits a namespace, stands beside the rows of others.
func word(message string) string {
	const longest = 100
	message = strings.Join(strings.Fields(message), " ")
	message = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, message)
	if runes := []rune(message); len(runes) > longest {
		return strings.TrimSpace(string(runes[:longest-1])) + "…"
	}
	return message
}

// resource is the name of a kind's resources in commands.
func resource(kind string) string { return strings.ToLower(kind) }

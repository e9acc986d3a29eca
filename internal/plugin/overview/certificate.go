package overview

import (
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// urgent is how much time is left when what is due becomes critical; the chart's alerts have the same.
const urgent = 14 * day

// States of Certificates.
const (
	stateReady    = "Ready"
	stateIssuing  = "Issuing"
	stateRenewing = "Renewing"
	stateExpired  = "Expired"
	stateFailed   = "Failed"
)

// waiting is what a request waits for.
type waiting struct {
	reason, message string
	turn            Turn
}

// certificate is the row of a Certificate.
func (in *index) certificate(certificate *cmapi.Certificate, now time.Time) Row {
	reference := certificate.Spec.IssuerRef
	row := Row{
		Namespace: certificate.Namespace, Name: certificate.Name, Kind: KindCertificate, Severity: OK, Turn: Nobody,
		Issuer: reference.Kind + "/" + reference.Name, Chain: []Step{certificateStep(certificate)},
	}
	if status := &certificate.Status; status.NotAfter != nil {
		row.End = &status.NotAfter.Time
		if status.NotBefore != nil {
			row.Issued = &status.NotBefore.Time
		}
		if status.RenewalTime != nil {
			row.addDate(status.RenewalTime.Time, Renewal)
		}
		row.addDate(status.NotAfter.Time, Ends)
	}
	issuer := in.issuer(reference.Kind, certificate.Namespace, reference.Name)
	in.addIssuerDates(&row, issuer)
	request := in.request(certificate)
	if request != nil {
		in.follow(&row, request, issuer, now)
	}
	if issuer != nil {
		in.judgeIssuer(&row, issuer)
	}
	row.State = certificateState(certificate, request, now)
	judgeTime(&row, request, now)
	return row
}

// addIssuerDates notes what the issuer says about the end of the certificate in use.
func (*index) addIssuerDates(row *Row, issuer v1alpha1.GenericIssuer) {
	if row.End == nil {
		return
	}
	switch issuer := issuer.(type) {
	case v1alpha1.GenericVeroIssuer:
		row.addDate(pki.WindowOpens(*row.End, issuer.VeroSpec().Window()), WindowOpens)
	case v1alpha1.GenericManualIssuer:
		row.addDate(row.End.Add(-issuer.ManualSpec().Lead()), LeadTime)
	}
}

// follow adds the request and its order to the chain, and says what they wait for.
func (in *index) follow(row *Row, request *cmapi.CertificateRequest, issuer v1alpha1.GenericIssuer, now time.Time) {
	in.shown[request.UID] = true
	row.Chain = append(row.Chain, requestStep(request))
	vero, manual := in.veroOrder(request), in.manualOrder(request)
	switch {
	case vero != nil:
		in.shown[vero.UID] = true
		row.Chain = append(row.Chain, veroStep(vero))
	case manual != nil:
		in.shown[manual.UID] = true
		row.Chain = append(row.Chain, manualStep(manual))
	}
	if conditions.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		return
	}
	var waits waiting
	switch ended := endOf(request); {
	case ended != nil:
		waits = *ended
	case vero != nil:
		waits = veroWaits(row, vero, request)
	case manual != nil:
		waits = manualWaits(row, manual)
	default:
		waits = requestWaits(row, request, issuer, now)
	}
	row.Reason, row.Message, row.Turn = waits.reason, waits.message, waits.turn
	if row.Turn == Yours {
		row.help(request)
	}
}

// endOf is what a request that has failed waits for, nil if it has not.
func endOf(request *cmapi.CertificateRequest) *waiting {
	ready := conditions.Find(request, cmapi.CertificateRequestConditionReady)
	switch {
	case ready == nil:
		return nil
	case ready.Reason == cmapi.CertificateRequestReasonDenied:
		return &waiting{v1alpha1.ReasonDenied, ready.Message, Yours}
	case ready.Reason != cmapi.CertificateRequestReasonFailed:
		return nil
	case conditions.IsTrue(request, cmapi.CertificateRequestConditionInvalidRequest):
		return &waiting{v1alpha1.ReasonInvalidRequest, ready.Message, Yours}
	default:
		return &waiting{ready.Reason, ready.Message, Yours}
	}
}

// veroWaits is what an order of the certificate service waits for. That of one that has failed is told by the request.
func veroWaits(row *Row, order *v1alpha1.VeroOrder, request *cmapi.CertificateRequest) waiting {
	status := &order.Status
	if status.State == v1alpha1.VeroOrderPending && status.NextSubmitTime != nil {
		row.addDate(status.NextSubmitTime.Time, Submit)
	}
	if status.State == v1alpha1.VeroOrderSubmitted && status.NextPollTime != nil {
		row.addDate(status.NextPollTime.Time, Poll)
	}
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionUnknown {
		return waiting{turn: Nobody}
	}
	if status.State == v1alpha1.VeroOrderFailed {
		return waiting{ready.Reason, conditions.ReadyMessage(request), Yours}
	}
	return waiting{ready.Reason, ready.Message, turnOf(ready.Reason)}
}

// manualWaits is what an order waits for that a person carries. The order itself says whether it is a person's turn;
// while an authority makes the certificate, it is not yet.
func manualWaits(row *Row, order *v1alpha1.ManualOrder) waiting {
	if begins := order.Status.NotBefore; begins != nil && order.Status.State == v1alpha1.ManualOrderAwaitingValidity {
		row.addDate(begins.Time, Begins)
	}
	ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionUnknown {
		return waiting{turn: Nobody}
	}
	waits := waiting{ready.Reason, ready.Message, turnOf(ready.Reason)}
	due := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionPersonDue)
	switch isDue := due != nil && due.Status == metav1.ConditionTrue; {
	case isDue && waits.turn == Nobody:
		waits.turn = Yours
	case !isDue && ready.Reason == v1alpha1.ReasonApplicationStale:
		waits.turn = Nobody
	}
	return waits
}

// requestWaits is what a request waits for that has no order. Its controller writes a message; the reason only where a
// renewal is failing, and it follows from the objects where it is nobody's turn.
func requestWaits(
	row *Row, request *cmapi.CertificateRequest, issuer v1alpha1.GenericIssuer, now time.Time,
) waiting {
	message := conditions.ReadyMessage(request)
	failing := conditions.Find(request, v1alpha1.ConditionRenewalFailing)
	switch {
	case !conditions.IsTrue(request, cmapi.CertificateRequestConditionApproved):
		return waiting{v1alpha1.ReasonWaitingForApproval, message, Yours}
	case failing != nil && failing.Status == cmmeta.ConditionTrue:
		return waiting{failing.Reason, message, turnOf(failing.Reason)}
	case message == "":
		return waiting{turn: Nobody}
	case conditions.WaitsForTurn(request):
		return waiting{v1alpha1.ReasonWaitingForTurn, message, Nobody}
	case issuer != nil && !readiness(issuer).Ready:
		return waiting{v1alpha1.ReasonIssuerNotReady, message, turnOf(readiness(issuer).Reason)}
	case beforeWindow(row, issuer, now):
		return waiting{v1alpha1.ReasonWaitingForWindow, message, Nobody}
	default:
		return waiting{"", message, Yours}
	}
}

// beforeWindow reports whether the service does not renew the certificate yet that is in use.
func beforeWindow(row *Row, issuer v1alpha1.GenericIssuer, now time.Time) bool {
	vero, isVero := issuer.(v1alpha1.GenericVeroIssuer)
	return isVero && row.End != nil && now.Before(pki.WindowOpens(*row.End, vero.VeroSpec().Window()))
}

// judgeIssuer adds the issuer to the chain. One that is not ready keeps the next renewal from being made.
func (*index) judgeIssuer(row *Row, issuer v1alpha1.GenericIssuer) {
	step := readiness(issuer)
	row.Chain = append(row.Chain, step)
	if step.Ready {
		return
	}
	turn := turnOf(step.Reason)
	if waitsForIssuer := row.Reason == v1alpha1.ReasonIssuerNotReady; row.Reason == "" && row.Turn == Nobody ||
		waitsForIssuer {
		row.Reason, row.Message, row.Turn = step.Reason, step.Message, turn
		row.Todo, row.Command = "", ""
		if turn == Yours {
			row.Todo = fmt.Sprintf("correct %s %s: %s", step.Kind, step.Name, short(step.Message))
			row.Command = describe(step)
		}
	}
	if step.Reason != v1alpha1.ReasonNotChecked {
		row.raise(Warning)
	}
}

// certificateState is a Certificate's state in a word.
func certificateState(certificate *cmapi.Certificate, request *cmapi.CertificateRequest, now time.Time) string {
	ready, issuing := certificateCondition(certificate, cmapi.CertificateConditionReady),
		certificateCondition(certificate, cmapi.CertificateConditionIssuing)
	isIssuing := issuing != nil && issuing.Status == cmmeta.ConditionTrue
	ended := certificate.Status.NotAfter != nil && !now.Before(certificate.Status.NotAfter.Time)
	failed := request != nil && endOf(request) != nil
	switch {
	case ended:
		return stateExpired
	case failed:
		return stateFailed
	case ready != nil && ready.Status == cmmeta.ConditionTrue && !isIssuing:
		return stateReady
	case certificate.Status.NotAfter != nil && isIssuing:
		return stateRenewing
	case ready != nil && ready.Status != cmmeta.ConditionTrue && !isIssuing:
		return word(ready.Reason)
	default:
		return stateIssuing
	}
}

// judgeTime says how much a row matters, by what it waits for and how much time is left.
func judgeTime(row *Row, request *cmapi.CertificateRequest, now time.Time) {
	failing := request != nil && conditions.IsTrue(request, v1alpha1.ConditionRenewalFailing)
	if failing || row.Turn == Yours || row.Turn == Service && row.Reason != "" && !reasons.Of(row.Reason).Quiet {
		row.raise(Warning)
	}
	left, known := row.left(now)
	switch {
	case known && left <= 0:
		row.raise(Critical)
	case known && left <= urgent && row.Severity == Warning:
		row.raise(Critical)
	case known && left <= urgent:
		row.raise(Warning)
	}
}

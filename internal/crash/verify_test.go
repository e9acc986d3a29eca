package crash_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

// firstPoll is how long the service wants to be left alone after its acceptance.
const firstPoll = 10 * time.Second

// cost is what an issuance may have cost.
type cost struct {
	// lost is how many responses were lost with what they had cost.
	lost int
	// wrongClock reports whether the controller's clock was wrong, so that it may have asked too early.
	wrongClock bool
}

// verify says whether an issuance that has ended kept the promise. The service's own log is the truth.
func (s *environment) verify(renewal bool, allowed cost) {
	s.Helper()
	s.verifyCertificate()
	s.verifyOrders()
	if renewal {
		s.verifyRenewals(allowed)
	} else {
		s.verifyCredentials(allowed)
	}
	if !allowed.wrongClock {
		s.verifyPolls()
	}
	if s.Failed() {
		s.Log(s.describe())
	}
}

// verifyCertificate: the request is Ready, and its chain certifies the key in preparation.
func (s *environment) verifyCertificate() {
	s.Helper()
	request := s.request()
	bundle, err := pki.ParseBundle(request.Status.Certificate)
	s.must(err)
	if !s.key.PublicKey.Equal(bundle.Certificates[0].PublicKey) {
		s.Error("the certificate is for another key than the one in preparation")
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(request.Status.CA) {
		s.Error("the request has no CA")
	}
	for _, certificate := range bundle.Certificates[1:] {
		intermediates.AddCert(certificate)
	}
	if _, err := bundle.Certificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: s.clock.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		s.Errorf("the chain of the request does not hold: %v", err)
	}
	if issuance := s.simulator.Bundle(authority.IssuanceBundle); !bytes.Contains(issuance, request.Status.CA) {
		s.Error("the CA of the request is not the service's")
	}
}

// verifyOrders: nothing is stuck, and request and order show the same RetrievalId.
func (s *environment) verifyOrders() {
	s.Helper()
	submitted := conditions.Find(s.request(), v1alpha1.ConditionSubmitted)
	var issued int
	for _, order := range s.orders() {
		switch order.Status.State {
		case v1alpha1.VeroOrderIssued:
			issued++
			if submitted == nil || submitted.Message != order.Status.RetrievalID {
				s.Errorf("the request shows %v, and the order %s", submitted, order.Status.RetrievalID)
			}
		case v1alpha1.VeroOrderFailed:
		default:
			s.Errorf("VeroOrder %s is left behind as %s", order.Name, order.Status.State)
		}
	}
	if issued != 1 {
		s.Errorf("%d orders are Issued", issued)
	}
}

// verifyCredentials: every TransferId was accepted once at most, none without need, and what the service gave for it is
// in the order, or the order says that it was lost.
func (s *environment) verifyCredentials(allowed cost) {
	s.Helper()
	taken := map[string]string{}
	for _, asked := range s.accepted(signNew) {
		if taken[asked.TransferID] != "" {
			s.Errorf("TransferId %s was accepted twice", asked.TransferID)
		}
		taken[asked.TransferID] = asked.RetrievalID
	}
	if len(taken) > 1+allowed.lost || len(s.minted) > 1+allowed.lost {
		s.Errorf("%d transfer credentials were spent and %d provided, with %d lost responses",
			len(taken), len(s.minted), allowed.lost)
	}
	if len(s.accepted(renew)) > 0 {
		s.Error("there was nothing to renew")
	}
	for transferID, retrievalID := range taken {
		if !slices.ContainsFunc(s.orders(), func(order v1alpha1.VeroOrder) bool {
			return order.Spec.Transfer.TransferIDDigest == secrets.Transfer{ID: transferID}.IDDigest() &&
				(order.Status.RetrievalID == retrievalID || lost(&order))
		}) {
			s.Errorf("RetrievalId %s is in no order, and no order says so", retrievalID)
		}
	}
}

// verifyRenewals: no more were accepted than responses were lost, the last one is in the order, and no credentials were
// touched.
func (s *environment) verifyRenewals(allowed cost) {
	s.Helper()
	if asked := s.requestLog(signNew); len(asked) > 0 {
		s.Errorf("a renewal has used transfer credentials: %v", asked)
	}
	accepted := s.accepted(renew)
	if len(accepted) == 0 || len(accepted) > 1+allowed.lost {
		s.Fatalf("%d renewals were accepted, with %d lost responses", len(accepted), allowed.lost)
	}
	last := accepted[len(accepted)-1].RetrievalID
	if orders := s.orders(); len(orders) != 1 || orders[0].Status.RetrievalID != last {
		s.Errorf("RetrievalId %s is not in the order", last)
	}
}

// verifyPolls: the service was not asked for a certificate before it allows it.
func (s *environment) verifyPolls() {
	s.Helper()
	for _, accepted := range append(s.accepted(signNew), s.accepted(renew)...) {
		for _, poll := range s.requestLog(get) {
			if wait := poll.Time.Sub(accepted.Time); poll.RetrievalID == accepted.RetrievalID && wait < firstPoll {
				s.Errorf("the certificate was asked for %s after the acceptance", wait)
			}
		}
	}
}

// accepted are the calls of an operation that the service has accepted.
func (s *environment) accepted(operation string) []admin.Request {
	s.Helper()
	return slices.DeleteFunc(s.requestLog(operation), func(asked admin.Request) bool { return !asked.Accepted })
}

// lost reports whether an order says that a response was lost.
func lost(order *v1alpha1.VeroOrder) bool {
	ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	return order.Status.State == v1alpha1.VeroOrderFailed && ready != nil && ready.Reason == v1alpha1.ReasonResponseLost &&
		strings.Contains(ready.Message, "response was lost")
}

// asksForCredentials reports whether a request waits, and says that it wants new transfer credentials.
func asksForCredentials(request *cmapi.CertificateRequest) bool {
	return readyReason(request) == cmapi.CertificateRequestReasonPending &&
		strings.Contains(conditions.ReadyMessage(request), "order new transfer credentials")
}

func readyReason(request *cmapi.CertificateRequest) string {
	if ready := conditions.Find(request, cmapi.CertificateRequestConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// describe is what a person would look at.
func (s *environment) describe() string {
	s.Helper()
	var text strings.Builder
	for _, condition := range s.request().Status.Conditions {
		fmt.Fprintf(&text, "request: %s %s %s: %s\n", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	for _, order := range s.orders() {
		ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
		fmt.Fprintf(&text, "order %s: %s, RetrievalId %q, %v\n", order.Name, order.Status.State,
			order.Status.RetrievalID, ready)
	}
	for _, asked := range s.requestLog("") {
		fmt.Fprintf(&text, "%s %s %s %s: %s %s %s\n", asked.Time.Format(time.TimeOnly), asked.Operation, asked.TransferID,
			asked.RetrievalID, asked.Code, asked.Detail, asked.Fault)
	}
	return text.String()
}

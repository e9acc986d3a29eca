package soak

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Operations, as the service's log names them.
const (
	signNew = "SignNewCertificate"
	renewal = "RenewCertificate"
	get     = "GetCertificate"
)

// wholeLog is how many requests the service's log remembers.
const wholeLog = 10_000

// recording is how long it takes at most, on a busy machine, from the service's response until it is in the order.
const recording = 5 * time.Second

// reconciliation compares what the service says with what the cluster holds.
type reconciliation struct {
	*environment

	log    []admin.Request
	orders []v1alpha1.VeroOrder
}

// figures are what the log of a test shows.
type figures struct {
	// signNews, renewals and gets are what was sent; paid and renewed what of it was accepted.
	signNews, renewals, gets, paid, renewed int
	// lost are RetrievalIds whose response was lost; the order says so. recalled are those that a person gave up.
	lost, recalled int
	// faults are the calls that a scripted fault has hit.
	faults int
}

// reconcile compares the two when everything is over: the orders come from the API server itself.
func (s *environment) reconcile() figures {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	must.Do(s, s.Client.List(s.Context(), list, client.InNamespace(namespace)))
	b := &reconciliation{environment: s, log: s.Asked(""), orders: list.Items}
	if len(b.log) >= wholeLog {
		s.Error("the service's log has forgotten what came first")
	}
	found := b.count()
	b.checkFirstGets()
	b.checkPayments(&found)
	b.checkNothingIsStuck()
	b.checkSecrets()
	s.Logf("%d SignNewCertificate were sent and %d accepted, %d RenewCertificate and %d, %d GetCertificate; faults hit "+
		"%d calls; %d responses with a RetrievalId were lost, %d orders given up, %d credentials bought again",
		found.signNews, found.paid, found.renewals, found.renewed, found.gets, found.faults, found.lost, found.recalled,
		s.replaced)
	return found
}

func (b *reconciliation) count() figures {
	found := figures{}
	for _, request := range b.log {
		accepted := 0
		if request.Accepted {
			accepted = 1
		}
		if request.Fault != "" {
			found.faults++
		}
		switch request.Operation {
		case signNew:
			found.signNews++
			found.paid += accepted
		case renewal:
			found.renewals++
			found.renewed += accepted
		case get:
			found.gets++
		}
	}
	return found
}

// checkFirstGets: no certificate is asked for within ten seconds of the acceptance.
func (b *reconciliation) checkFirstGets() {
	b.Helper()
	given := map[string]time.Time{}
	for _, request := range b.log {
		if request.Operation != get && request.Accepted {
			given[request.RetrievalID] = request.Time
		}
		accepted, known := given[request.RetrievalID]
		if after := request.Time.Sub(accepted); request.Operation == get && known && after < 10*time.Second &&
			!b.isReplayed(request.RetrievalID) {
			b.Errorf("RetrievalId %s was used after %s", request.RetrievalID, after)
		}
	}
}

// isReplayed reports whether the service has given a RetrievalId to others than the one that it belongs to: they cannot
// know when it was made.
func (b *reconciliation) isReplayed(retrievalID string) bool {
	holders := 0
	for _, order := range slices.Concat(b.orders, b.recalled) {
		if order.Status.RetrievalID == retrievalID {
			holders++
		}
	}
	return holders > 1
}

// checkPayments: a TransferId is accepted once, its RetrievalId is in the order or the order says that it was lost, and
// for each Certificate no more was paid than one certificate and what was lost.
func (b *reconciliation) checkPayments(found *figures) {
	b.Helper()
	spent, paid, lost := map[string]int{}, map[string]int{}, map[string]int{}
	for _, request := range b.log {
		if request.Operation != signNew || !request.Accepted {
			continue
		}
		if spent[request.TransferID]++; spent[request.TransferID] > 1 {
			b.Errorf("TransferId %s was accepted %d times", request.TransferID, spent[request.TransferID])
		}
		payer := b.payers[request.TransferID]
		paid[payer]++
		switch fate := b.fate(request); fate {
		case kept:
		case responseLost:
			found.lost++
			lost[payer]++
			if !b.isExcused(request) {
				b.Errorf("RetrievalId %s was lost with a response that could be read (fault %q, at %s, kills at %v)",
					request.RetrievalID, request.Fault, request.Time, b.killed)
			}
		case givenUp:
			found.recalled++
			lost[payer]++
		default:
			b.Errorf("RetrievalId %s, which was paid for with TransferId %s of %s, %s (fault %q, at %s)",
				request.RetrievalID, request.TransferID, payer, fate, request.Fault, request.Time)
		}
	}
	for payer, times := range paid {
		if times != 1+lost[payer] {
			b.Errorf("for Certificate %s %d TransferIds were accepted and %d responses lost, want one more than were lost",
				payer, times, lost[payer])
		}
	}
}

// isExcused reports whether a response may have been lost: a fault has left nothing of it that could be read, or the
// process that waited for it was killed.
func (b *reconciliation) isExcused(request admin.Request) bool {
	switch request.Fault {
	case "", admin.StrangerSignature, admin.Unsigned:
	default:
		return true
	}
	return slices.ContainsFunc(b.killed, func(killed time.Time) bool {
		return killed.After(request.Time) && killed.Before(request.Time.Add(recording))
	})
}

// What may become of a RetrievalId.
const (
	kept         = "is in the order"
	responseLost = "was lost, and the order says so"
	givenUp      = "was given up by a person"
)

// fate is what has become of the RetrievalId that the service gave for a request.
func (b *reconciliation) fate(request admin.Request) string {
	digest, found := digestOf(request.TransferID), "is in no order"
	for i := range b.orders {
		order := &b.orders[i]
		if order.Spec.Transfer == nil || order.Spec.Transfer.TransferIDDigest != digest {
			continue
		}
		switch {
		case order.Status.RetrievalID == request.RetrievalID:
			return kept
		case testkit.ReasonOf(order.Status.Conditions) == v1alpha1.ReasonResponseLost:
			return responseLost
		}
		found = fmt.Sprintf("is not in order %s, which is %s (%s) with RetrievalId %q",
			order.Name, order.Status.State, testkit.ReasonOf(order.Status.Conditions), order.Status.RetrievalID)
	}
	if slices.ContainsFunc(b.recalled, func(order v1alpha1.VeroOrder) bool {
		return order.Spec.Transfer != nil && order.Spec.Transfer.TransferIDDigest == digest
	}) {
		return givenUp
	}
	return found
}

// checkNothingIsStuck: every order has ended, and every request that is left is answered.
func (b *reconciliation) checkNothingIsStuck() {
	b.Helper()
	if text := b.unfinished(); text != "" {
		b.Errorf("not everything has come to an end:\n%s", text)
	}
}

// unfinished lists what has not come to an end.
func (s *environment) unfinished() string {
	s.Helper()
	text := &strings.Builder{}
	certificates, requests := &cmapi.CertificateList{}, &cmapi.CertificateRequestList{}
	s.list(certificates)
	for i := range certificates.Items {
		if certificate := &certificates.Items[i]; revision(certificate) == 0 {
			fmt.Fprintf(text, "Certificate %s: %+v\n", certificate.Name, certificate.Status.Conditions)
		}
	}
	s.list(requests)
	for i := range requests.Items {
		request := &requests.Items[i]
		ready := cmutil.GetCertificateRequestCondition(request, cmapi.CertificateRequestConditionReady)
		if ready == nil || ready.Status != cmmeta.ConditionTrue {
			fmt.Fprintf(text, "CertificateRequest %s: %+v\n", request.Name, request.Status.Conditions)
		}
	}
	for _, order := range s.orders() {
		if order.Status.CompletionTime == nil {
			fmt.Fprintf(text, "VeroOrder %s of %s: %s, RetrievalId %q, %+v, last error %+v\n", order.Name,
				order.Annotations[cmapi.CertificateNameKey], order.Status.State, order.Status.RetrievalID,
				order.Status.Conditions, order.Status.LastError)
		}
	}
	const most = 20_000
	return text.String()[:min(text.Len(), most)]
}

// checkSecrets: every Certificate has a certificate of the service for its own key.
func (b *reconciliation) checkSecrets() {
	b.Helper()
	issued := must.Get(b.Service.Certificates(b.Context()))(b)
	known := map[string]bool{}
	for _, certificate := range issued {
		known[certificate.Serial] = true
	}
	list := &cmapi.CertificateList{}
	b.list(list)
	for i := range list.Items {
		secret := &corev1.Secret{}
		key := client.ObjectKey{Namespace: namespace, Name: list.Items[i].Spec.SecretName}
		if err := b.Client.Get(b.Context(), key, secret); err != nil {
			b.Error(err)
			continue
		}
		pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
		switch {
		case err != nil:
			b.Errorf("Secret %s: %v", key.Name, err)
		case !known[pair.Leaf.SerialNumber.Text(16)] || pair.Leaf.Subject.CommonName != customer:
			b.Errorf("Secret %s holds certificate %x of %q, which the service has not issued for %s",
				key.Name, pair.Leaf.SerialNumber, pair.Leaf.Subject.CommonName, customer)
		}
	}
}

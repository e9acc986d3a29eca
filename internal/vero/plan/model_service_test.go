package plan_test

import (
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// service is the certificate service.
type service struct {
	spent     map[string]bool
	retrieved map[string]*certificate
	issued    int
}

// certificate is what a RetrievalId stands for.
type certificate struct {
	key      int
	accepted time.Duration
	refused  bool // GetCertificate answers PKI020
	leaf     *x509.Certificate
}

// fault is what goes wrong with a call.
type fault int

const (
	none         fault = iota
	unreachable        // nothing arrives
	lostResponse       // it is processed, and the response does not come back
	technical          // PKI099, nothing is processed
	crash              // it is processed, and the controller is gone
	crashBefore        // the controller is gone before the call
	freeze             // it is processed, and the controller records it later
	refuseRenew        // PKI015 for a renewal
	refuseSigner       // PKI010 for a renewal
	refuseAtGet        // it is accepted, and GetCertificate will refuse it
	damaged            // what comes back cannot be relied on, but its RetrievalId can be read
	forged             // nothing is processed, and what comes back carries a RetrievalId of nobody
	faults
)

var (
	leavesLock sync.Mutex
	leaves     = map[string]*x509.Certificate{}
)

// leafFor is the certificate with a number, for a key, that ends 50 to 110 days after a day.
func leafFor(t testing.TB, key, number, day int) *x509.Certificate {
	t.Helper()
	leavesLock.Lock()
	defer leavesLock.Unlock()
	name := fmt.Sprintf("%d/%d/%d", key, number, day)
	if leaves[name] == nil {
		notAfter := now.AddDate(0, 0, day+50+20*(number%4)).Add(time.Duration(number) * time.Minute)
		leaves[name] = leafUntil(t, worldKeys[key], notAfter)
	}
	return leaves[name]
}

func (w *model) call(order *v1alpha1.VeroOrder) orderstate.Call {
	call := ended(order, w.now())
	call.IssuerGeneration, call.TrustDigest = w.issuer.Generation, w.issuer.TrustDigest
	call.Timeout = w.issuer.Timeout
	return call
}

func (w *model) submit(order *v1alpha1.VeroOrder, s orderstate.Snapshot, fault fault) {
	fingerprint := ""
	if s.Transfer != nil {
		fingerprint = s.Transfer.Credentials.Fingerprint
	}
	w.write(order, func(o *v1alpha1.VeroOrder) { orderstate.RecordIntent(o, fingerprint, 0, s.Now) })
	if fault == crashBefore {
		return
	}
	call := w.call(order)
	w.elapsed += time.Second
	id, err := w.send(order, fault)
	call.Ended = w.now()
	record := func() {
		w.write(order, func(o *v1alpha1.VeroOrder) { orderstate.RecordSubmission(o, id, err, call) })
	}
	switch fault {
	case crash:
	case freeze:
		w.frozen = append(w.frozen, record)
	default:
		record()
	}
}

// send is the service's side of SignNewCertificate and RenewCertificate.
func (w *model) send(order *v1alpha1.VeroOrder, fault fault) (string, error) {
	if fault == unreachable {
		return "", errUnreachable
	}
	if fault == forged {
		w.service.retrieved["forged"] = &certificate{accepted: w.elapsed - orderstate.FirstPoll, refused: true}
		return "", &protocol.UnverifiedError{RetrievalID: "forged", Err: errNoResponse}
	}
	var id string
	refusal := w.refusal(order, fault)
	if refusal == nil {
		id = fmt.Sprintf("retrieval-%d", len(w.service.retrieved))
		key := slices.IndexFunc(worldKeys[:], func(name string) bool { return digestOf(name) == order.Spec.PublicKeyDigest })
		w.service.retrieved[id] = &certificate{key: key, accepted: w.elapsed, refused: fault == refuseAtGet}
	}
	switch {
	case fault == lostResponse:
		return "", errNoResponse
	case fault == damaged && id != "":
		return "", &protocol.UnverifiedError{RetrievalID: id, Err: errNoResponse}
	case !w.trusting:
		return "", &protocol.UnverifiedError{RetrievalID: id, Err: errUnknown}
	case refusal != nil:
		return "", refusal
	default:
		return id, nil
	}
}

func (w *model) refusal(order *v1alpha1.VeroOrder, fault fault) error {
	transfer := order.Spec.Transfer
	switch {
	case order.Spec.Environment != w.issuer.Environment || order.Spec.CustomerID != w.issuer.CustomerID:
		w.t.Fatalf("%s was sent in the name of another customer", order.Name)
		return nil
	case fault == technical:
		return pki099
	case transfer == nil && fault == refuseRenew:
		return pki015
	case transfer == nil && fault == refuseSigner:
		return pki010
	case transfer == nil:
		return nil
	}
	if w.transfer == nil || w.transfer.id != transfer.TransferIDDigest {
		w.t.Fatalf("%s was sent with other credentials than its own", order.Name)
	}
	for _, other := range w.orders {
		accepted := other.Status.State == v1alpha1.VeroOrderSubmitted || other.Status.State == v1alpha1.VeroOrderIssued
		if accepted && other.Spec.Transfer != nil && *other.Spec.Transfer == *transfer {
			w.t.Fatalf("%s was sent although %s was accepted with its credentials", order.Name, other.Name)
		}
	}
	if w.service.spent[transfer.TransferIDDigest] || !w.transfer.right {
		return pki020
	}
	w.service.spent[transfer.TransferIDDigest] = true
	return nil
}

// poll is both sides of GetCertificate.
func (w *model) poll(order *v1alpha1.VeroOrder, fault fault) {
	call := w.call(order)
	asked := w.service.retrieved[order.Status.RetrievalID]
	if asked == nil {
		w.t.Fatalf("%s: asked for RetrievalId %q, which the service has never given", order.Name, order.Status.RetrievalID)
	}
	if waited := w.elapsed - asked.accepted; waited < orderstate.FirstPoll {
		w.t.Fatalf("%s: polled %s after its acceptance", order.Name, waited)
	}
	var issued *orderstate.Issued
	var err error
	switch {
	case fault == unreachable || fault == lostResponse:
		err = errUnreachable
	case !w.trusting:
		err = errUnverified
	case fault == technical:
		err = pki099
	case asked.refused:
		err = pki020
	case fault == refuseSigner:
		err = wrongCertificate(pki.IssuedUnknownAuthority)
	default:
		if asked.leaf == nil {
			w.service.issued++
			asked.leaf = leafFor(w.t, asked.key, w.service.issued, int(w.elapsed.Hours()/24))
		}
		issued = &orderstate.Issued{Certificate: pkitest.PEM(asked.leaf)}
	}
	record := func() {
		w.write(order, func(o *v1alpha1.VeroOrder) { orderstate.RecordPoll(o, issued, err, call) })
	}
	switch fault {
	case crash, crashBefore:
	case freeze:
		w.frozen = append(w.frozen, record)
	default:
		record()
	}
}

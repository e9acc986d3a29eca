package explore_test

import (
	"bytes"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// service is the certificate service: it accepts each TransferId once.
type service struct {
	spent    []spent
	receipts []receipt // the RetrievalIds that it has given, and others; by their number
	late     []*submission
}

// spent is a TransferId that was accepted, and from which order.
type spent struct {
	transfer string
	order    types.UID
}

// receipt is what a RetrievalId stands for.
type receipt struct {
	key      int
	accepted time.Duration
	forged   bool // the service does not know it
	doomed   bool // GetCertificate refuses it
	leaf     *leaf
}

// good reports whether it leads to a certificate.
func (r *receipt) good() bool { return r != nil && !r.forged && !r.doomed }

// submission is a request on its way.
type submission struct {
	order    types.UID
	transfer string // empty for a renewal
	wrong    bool
	key      int
}

// answer is what a call has come to.
type answer struct {
	what   string
	id     string
	err    error
	issued *orderstate.Issued
}

func retrievalID(number int) string { return "retrieval-" + strconv.Itoa(number) }

// receiptOf is what a RetrievalId stands for.
func (s *service) receiptOf(id string) *receipt {
	for number := range s.receipts {
		if retrievalID(number) == id {
			return &s.receipts[number]
		}
	}
	return nil
}

// give gives a new RetrievalId.
func (s *service) give(r receipt) string {
	s.receipts = append(s.receipts, r)
	return retrievalID(len(s.receipts) - 1)
}

// spentBy is the order with which a TransferId was accepted; empty if it was not.
func (s *service) spentBy(transfer string) types.UID {
	for _, one := range s.spent {
		if one.transfer == transfer {
			return one.order
		}
	}
	return ""
}

// process is what the service makes of a submission.
func (w *world) process(s submission) (id string, err error) {
	if s.transfer != "" {
		if s.wrong || w.service.spentBy(s.transfer) != "" {
			return "", ordertest.PKI020
		}
		w.service.spent = append(w.service.spent, spent{s.transfer, s.order})
	}
	return w.service.give(receipt{key: s.key, accepted: w.elapsed}), nil
}

// outcome is one way in which a call can end.
type outcome struct {
	what   string
	budget func(*budget) *int8 // nil where nothing goes wrong
	answer func(*world) (id string, issued *leaf, err error)
}

func faults(b *budget) *int8 { return &b.faults }
func slow(b *budget) *int8   { return &b.slow }

func refusing(code *protocol.ServiceError) func(*world) (string, *leaf, error) {
	return func(*world) (string, *leaf, error) { return "", nil, code }
}

// submissionOutcomes are those of SignNewCertificate and RenewCertificate.
func submissionOutcomes(s submission) []outcome {
	processed := func(w *world) (string, *leaf, error) {
		id, err := w.process(s)
		return id, nil, err
	}
	outcomes := []outcome{
		{"no fault", nil, processed},
		{"no connection", faults, func(*world) (string, *leaf, error) { return "", nil, ordertest.ErrUnreachable }},
		{"PKI099", faults, refusing(ordertest.PKI099)},
		{"response lost", faults, func(w *world) (string, *leaf, error) {
			_, _ = w.process(s)
			return "", nil, ordertest.ErrNoResponse
		}},
		{"delayed", faults, func(w *world) (string, *leaf, error) {
			w.service.late = append(w.service.late, &s)
			return "", nil, ordertest.ErrNoResponse
		}},
		{"response damaged", faults, func(w *world) (string, *leaf, error) {
			id, err := w.process(s)
			if err != nil {
				return "", nil, ordertest.ErrNoResponse
			}
			return "", nil, &protocol.UnverifiedError{RetrievalID: id, Err: ordertest.ErrNoResponse}
		}},
		{"response forged", faults, func(w *world) (string, *leaf, error) {
			id := w.service.give(receipt{key: s.key, accepted: w.elapsed, forged: true})
			return "", nil, &protocol.UnverifiedError{RetrievalID: id, Err: ordertest.ErrNoResponse}
		}},
		{"accepted, and never issued", faults, func(w *world) (string, *leaf, error) {
			id, err := w.process(s)
			if err == nil {
				w.service.receiptOf(id).doomed = true
			}
			return id, nil, err
		}},
	}
	if s.transfer == "" {
		outcomes = append(outcomes,
			outcome{"PKI015", faults, refusing(ordertest.PKI015)}, outcome{"PKI080", faults, refusing(ordertest.PKI080)})
	}
	return outcomes
}

// pollOutcomes are those of GetCertificate.
func pollOutcomes(id string, key int) []outcome {
	return []outcome{
		{"no fault", nil, func(w *world) (string, *leaf, error) {
			known := w.service.receiptOf(id)
			switch {
			case known == nil || known.forged || known.doomed:
				return "", nil, ordertest.PKI020
			case known.leaf == nil:
				known.leaf = leafFor(known.key, int(w.elapsed/day), len(w.service.receipts))
			}
			return "", known.leaf, nil
		}},
		{"too early", slow, refusing(ordertest.PKI099)},
		{"no connection", faults, func(*world) (string, *leaf, error) { return "", nil, ordertest.ErrUnreachable }},
		{"another's", faults, func(*world) (string, *leaf, error) { return "", leafFor((key+1)%len(keys), 0, 0), nil }},
		{"of an unknown authority", faults, func(*world) (string, *leaf, error) {
			return "", nil, ordertest.WrongCertificate(pki.IssuedUnknownAuthority)
		}},
	}
}

// verified is what a controller makes of a response: it believes none whose signature it cannot verify, and takes no
// certificate for another key.
func verified(t *task, id string, issued *leaf, err error) *answer {
	answered := &answer{id: id, err: err}
	_, isRefusal := errors.AsType[*protocol.ServiceError](err)
	response := err == nil || isRefusal
	switch {
	case response && t.issuer.untrusting && t.verb == orderstate.Poll:
		answered.err = ordertest.ErrUnverified
	case response && t.issuer.untrusting:
		answered.id, answered.err = "", &protocol.UnverifiedError{RetrievalID: id, Err: ordertest.ErrUntrusted}
	case issued != nil && issued.key != keyOf(t.order):
		answered.err = ordertest.WrongCertificate(pki.IssuedOtherPublicKey)
	case issued != nil:
		answered.issued = &orderstate.Issued{Certificate: issued.pem, CA: issued.mark}
	}
	return answered
}

const (
	day      = 24 * time.Hour
	lifetime = 100 * day
)

// key is a private key, by its number.
type key struct{ name, digest string }

var keys = [4]key{}

// leaf is a certificate.
type leaf struct {
	key      int
	serial   string
	notAfter time.Time
	pem      []byte
	mark     []byte // stands for it in the place of its authority
}

var leaves struct {
	sync.Mutex

	t      testing.TB
	named  map[[3]int]*leaf
	marked []*leaf
}

// prepare makes what all histories use.
func prepare(t testing.TB) {
	t.Helper()
	leaves.Lock()
	defer leaves.Unlock()
	if leaves.t = t; leaves.named == nil {
		leaves.named = map[[3]int]*leaf{}
		for number := range keys {
			name := "key " + strconv.Itoa(number)
			keys[number] = key{name, ordertest.DigestOf(name)}
		}
	}
}

// leafFor is the certificate for a key that is issued on some day, by its number.
func leafFor(key, on, number int) *leaf {
	leaves.Lock()
	defer leaves.Unlock()
	name := [3]int{key, on, number}
	if leaves.named[name] == nil {
		notAfter := beginning.Add(time.Duration(on)*day + lifetime + time.Duration(number)*time.Minute)
		certificate := ordertest.LeafUntil(leaves.t, keys[key].name, notAfter)
		leaves.named[name] = &leaf{
			key: key, serial: facts.SerialNumber(certificate), notAfter: notAfter, pem: pkitest.PEM(certificate),
			mark: []byte(strconv.Itoa(len(leaves.marked))),
		}
		leaves.marked = append(leaves.marked, leaves.named[name])
	}
	return leaves.named[name]
}

// leafOf is the certificate that an order has borne, nil if none.
func leafOf(order *v1alpha1.VeroOrder) *leaf {
	if borne := leafMarked(order.Status.CA); borne != nil && bytes.Equal(borne.pem, order.Status.Certificate) {
		return borne
	}
	return nil
}

// leafMarked is the certificate that a mark stands for, nil if none.
func leafMarked(mark []byte) *leaf {
	if len(mark) == 0 {
		return nil
	}
	number, err := strconv.Atoi(string(mark))
	if err != nil {
		return nil
	}
	leaves.Lock()
	defer leaves.Unlock()
	return leaves.marked[number]
}

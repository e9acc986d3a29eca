package simulator

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	"github.com/varmenne/varmenne-issuer/internal/simulator/wire"
)

// defaultCode is what the fault "result" answers when it names no code: a technical error.
const defaultCode = "PKI099"

// behavior is what a kind of fault does.
type behavior struct {
	// processes is true when the request has its effect before the fault strikes.
	processes bool
	// applies, when not nil, says whether the fault has something to act on; earlier is the last successful response.
	applies func(x *exchange, earlier []byte) bool
	// strike answers the request, or does not.
	strike func(x *exchange, earlier []byte)
}

// behaviors has an entry for every kind; a test compares it with admin.FaultKinds.
var behaviors = map[admin.FaultKind]behavior{
	admin.DropBefore:        {strike: dropConnection},
	admin.TimeoutAfter:      {processes: true, strike: holdResponse},
	admin.ResetMidResponse:  {processes: true, strike: resetConnection},
	admin.HTTPStatus:        {strike: respondWithStatus},
	admin.SOAPFault:         {strike: respondWithFault},
	admin.ResultFail:        {strike: respondWithFail},
	admin.Redirect:          {strike: respondWithRedirect},
	admin.StrangerSignature: {processes: true, strike: respondAsStranger},
	admin.Unsigned:          {processes: true, strike: respondUnsigned},
	admin.Malformed:         {processes: true, strike: respondMalformed},
	admin.Truncated:         {processes: true, strike: respondTruncated},
	admin.Oversize:          {processes: true, strike: respondBeyondLimit},
	admin.Slow:              {processes: true, strike: respondSlowly},
	admin.WrongContentType:  {processes: true, strike: respondAsHTML},
	admin.WrongOperation:    {processes: true, strike: respondForAnotherOperation},
	admin.WrongCertificate:  {processes: true, applies: hasCertificate, strike: respondWithWrongCertificate},
	admin.Replay:            {processes: true, applies: hasEarlier, strike: respondAsEarlier},
}

func hasCertificate(x *exchange, _ []byte) bool { return x.content.Certificate != nil }

func hasEarlier(_ *exchange, earlier []byte) bool { return earlier != nil }

func dropConnection(*exchange, []byte) { wire.Drop() }

func holdResponse(x *exchange, _ []byte) {
	wire.Hold(x.incoming.Context(), x.simulator.clock, time.Duration(x.fault.Hold))
	deliver(x.writer, http.StatusOK, x.document)
}

func resetConnection(x *exchange, _ []byte) { wire.Reset(x.writer, protocol.ContentType, x.document) }

func respondWithStatus(x *exchange, _ []byte) {
	status := x.fault.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	wire.AskForTime(x.writer, time.Duration(x.fault.RetryAfter))
	http.Error(x.writer, http.StatusText(status), status)
}

func respondWithFault(x *exchange, _ []byte) {
	deliver(x.writer, http.StatusInternalServerError, response.Fault(string(request.Server), "scripted fault"))
}

func respondWithFail(x *exchange, _ []byte) {
	code := cmp.Or(x.fault.Code, defaultCode)
	content := response.Content{Operation: x.asked.Operation, Problem: protocol.NewProblem(code, "scripted fault")}
	deliver(x.writer, http.StatusOK, x.render(content, x.simulator.signer))
}

// respondWithRedirect says 307, with which a careless client would repeat the request, password and all, elsewhere.
func respondWithRedirect(x *exchange, _ []byte) {
	http.Redirect(x.writer, x.incoming, protocol.Path+"/moved", http.StatusTemporaryRedirect)
}

func respondAsStranger(x *exchange, _ []byte) {
	stranger, err := x.simulator.stranger()
	if err != nil {
		x.simulator.log.Error(err, "The signer of a fault could not be made")
		wire.Drop()
	}
	deliver(x.writer, http.StatusOK, x.render(x.content, stranger))
}

func respondUnsigned(x *exchange, _ []byte) {
	deliver(x.writer, http.StatusOK, x.render(x.content, nil))
}

func respondMalformed(x *exchange, _ []byte) {
	deliver(x.writer, http.StatusOK, bytes.Replace(x.document, []byte("</"), []byte("<//"), 1))
}

func respondTruncated(x *exchange, _ []byte) {
	deliver(x.writer, http.StatusOK, x.document[:len(x.document)/2])
}

func respondBeyondLimit(x *exchange, _ []byte) {
	deliver(x.writer, http.StatusOK, x.document[:len(x.document)/2])
	wire.Flood(x.writer)
}

func respondSlowly(x *exchange, _ []byte) {
	interval := cmp.Or(time.Duration(x.fault.Interval), time.Second)
	wire.Trickle(x.writer, protocol.ContentType, x.document, func() bool {
		return wire.Wait(x.incoming.Context(), x.simulator.clock, interval)
	})
}

func respondAsHTML(x *exchange, _ []byte) {
	x.writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = x.writer.Write(x.document)
}

// respondForAnotherOperation answers correctly, but to another question: a RenewCertificate for a SignNewCertificate, a
// SignNewCertificate for the others.
func respondForAnotherOperation(x *exchange, _ []byte) {
	content := x.content
	content.Operation = protocol.SignNewCertificate
	if x.asked.Operation == protocol.SignNewCertificate {
		content.Operation = protocol.RenewCertificate
	}
	content.Certificate = nil
	if content.Problem == nil && content.RetrievalID == "" {
		content.RetrievalID = x.asked.RetrievalID
	}
	deliver(x.writer, http.StatusOK, x.render(content, x.simulator.signer))
}

func respondAsEarlier(x *exchange, earlier []byte) {
	deliver(x.writer, http.StatusOK, earlier)
}

// respondWithWrongCertificate issues a certificate that differs from the right one in a single respect.
func respondWithWrongCertificate(x *exchange, _ []byte) {
	right := x.content.Certificate
	customer := authority.Customer{
		ID:        right.Subject.CommonName,
		Name:      organizationOf(right),
		PublicKey: right.PublicKey,
		NotBefore: right.NotBefore,
		NotAfter:  right.NotAfter,
	}
	now := x.entry.Time.Truncate(time.Second)
	issue := x.simulator.authorities.Issue
	const day = 24 * time.Hour
	switch x.fault.Variant {
	case admin.AnotherKey:
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			wire.Drop()
		}
		customer.PublicKey = key.Public()
	case admin.Expired:
		customer.NotBefore, customer.NotAfter = now.Add(-2*day), now.Add(-day)
	case admin.NotYetValid:
		customer.NotBefore, customer.NotAfter = now.Add(day), now.Add(2*day)
	case admin.UnknownCA:
		issue = x.simulator.authorities.IssueStranger
	default:
		customer.ID = "7654321-0"
	}
	wrong, err := issue(customer)
	if err != nil {
		x.simulator.log.Error(err, "The wrong certificate of a fault could not be issued")
		wire.Drop()
	}
	content := x.content
	content.Certificate = wrong
	deliver(x.writer, http.StatusOK, x.render(content, x.simulator.signer))
}

// lastResponses remembers the last successful response to each operation, for the fault "replay".
type lastResponses struct {
	mutex     sync.Mutex
	documents map[protocol.Operation][]byte
}

func (l *lastResponses) keep(operation protocol.Operation, document []byte) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.documents[operation] = document
}

func (l *lastResponses) last(operation protocol.Operation) []byte {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.documents[operation]
}

package simulator

import (
	"errors"
	"io"
	"net/http"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/messages"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	"github.com/varmenne/varmenne-issuer/internal/simulator/script"
)

// Handler is the service itself, and the Messages API beside it. It has to be served with TLSConfig and HTTP/1.1, as
// the real service is.
func (s *Simulator) Handler() http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, incoming *http.Request) {
		if messages.Serves(incoming.URL.Path) {
			s.messages.ServeHTTP(writer, incoming)
			return
		}
		s.serve(writer, incoming)
	})
}

// serve checks the transport: what fails here is answered with a bare HTTP error (interface description 2.2).
func (s *Simulator) serve(writer http.ResponseWriter, incoming *http.Request) {
	leave := s.gauge.enter()
	defer leave()
	if incoming.URL.Path != protocol.Path {
		s.refuse(writer, incoming, http.StatusNotFound, "there is nothing at "+incoming.URL.Path)
		return
	}
	if incoming.Method == http.MethodGet && incoming.URL.RawQuery != "" {
		s.describeService(writer, incoming)
		return
	}
	if incoming.Method != http.MethodPost {
		writer.Header().Set("Allow", http.MethodPost)
		s.refuse(writer, incoming, http.StatusMethodNotAllowed, "the method "+incoming.Method+" is not POST")
		return
	}
	if !request.CheckContentType(incoming.Header.Get("Content-Type")) {
		s.refuse(writer, incoming, http.StatusUnsupportedMediaType, "the Content-Type is not text/xml in UTF-8")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, incoming.Body, request.MaxBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		s.refuse(writer, incoming, http.StatusRequestEntityTooLarge, "the request is larger than 1 MiB")
		return
	}
	if err != nil {
		s.refuse(writer, incoming, http.StatusBadRequest, "the request could not be read: "+err.Error())
		return
	}
	s.serveMessage(writer, incoming, body)
}

// serveMessage reads the message, and responses or misbehaves.
func (s *Simulator) serveMessage(writer http.ResponseWriter, incoming *http.Request, body []byte) {
	entry := s.entryFor(incoming)
	parsed, err := request.Parse(incoming.Header, body)
	if fault, refused := errors.AsType[*request.Fault](err); refused {
		entry.HTTPStatus, entry.Detail = http.StatusInternalServerError, fault.Error()
		s.record(entry)
		deliver(writer, http.StatusInternalServerError, response.Fault(string(fault.Code), fault.Reason))
		return
	}
	entry.Operation = string(parsed.Operation)
	entry.CustomerID = parsed.CustomerID
	entry.TransferID = parsed.TransferID
	entry.RetrievalID = parsed.RetrievalID
	exchange := &exchange{
		simulator: s, writer: writer, incoming: incoming, asked: parsed, entry: &entry, variant: s.chooseVariant(),
	}
	entry.Variant = exchange.variant.Name
	exchange.run(s.faults.Take(fits(parsed.Operation), entry.Time))
}

// refuse answers with a bare HTTP error.
func (s *Simulator) refuse(writer http.ResponseWriter, incoming *http.Request, status int, detail string) {
	entry := s.entryFor(incoming)
	entry.HTTPStatus, entry.Detail = status, detail
	s.record(entry)
	http.Error(writer, http.StatusText(status), status)
}

func (s *Simulator) entryFor(incoming *http.Request) admin.Request {
	return admin.Request{Time: s.clock.Now(), RemoteAddress: incoming.RemoteAddr}
}

// record writes a request to the request log and to the log.
func (s *Simulator) record(entry admin.Request) {
	s.requests.add(entry)
	s.log.Info("Request", "operation", entry.Operation, "customerId", entry.CustomerID,
		"transferId", entry.TransferID, "retrievalId", entry.RetrievalID, "httpStatus", entry.HTTPStatus,
		"code", entry.Code, "detail", entry.Detail, "accepted", entry.Accepted,
		"certificate", entry.CertificateSerial, "fault", entry.Fault, "variant", entry.Variant)
}

// exchange is one request that has passed the schema, on its way to a response.
type exchange struct {
	simulator *Simulator
	writer    http.ResponseWriter
	incoming  *http.Request
	asked     *request.Request
	entry     *admin.Request
	variant   response.Variant
	fault     admin.Fault
	// response is set once the request has been processed, document is its signed form.
	content  response.Content
	document []byte
}

// run processes the request and answers it, or lets the fault (nil: none) strike before or after that.
func (x *exchange) run(struck *script.Hit[admin.Fault]) {
	if struck == nil {
		x.process()
		x.conclude()
		deliver(x.writer, http.StatusOK, x.document)
		return
	}
	x.fault = struck.Fault
	behavior := behaviors[x.fault.Kind]
	earlier := x.simulator.responses.last(x.asked.Operation)
	if behavior.processes || x.fault.AfterProcessing {
		x.process()
	}
	if behavior.applies != nil && !behavior.applies(x, earlier) {
		x.simulator.faults.GiveBack(struck)
		x.conclude()
		deliver(x.writer, http.StatusOK, x.document)
		return
	}
	x.entry.Fault = x.fault.Kind
	x.conclude()
	behavior.strike(x, earlier)
}

// process lets the operation have its effect and prepares the response.
func (x *exchange) process() {
	x.content = x.simulator.process(x.asked, x.entry.Time, x.entry)
	x.entry.HTTPStatus = http.StatusOK
	x.entry.Code = protocol.StatusOK
	x.entry.Accepted = x.content.Problem == nil
	if problem := x.content.Problem; problem != nil {
		x.entry.Code, x.entry.Detail = problem.Code, problem.Detail
	}
	x.document = x.render(x.content, x.simulator.signer)
	if x.entry.Accepted {
		x.simulator.responses.keep(x.asked.Operation, x.document)
	}
}

// conclude records the request; it comes before the response is sent, so that a log read after a response has it.
func (x *exchange) conclude() { x.simulator.record(*x.entry) }

// render writes a response in the exchange's variant. Signing fails only for want of randomness.
func (x *exchange) render(content response.Content, signer *response.Signer) []byte {
	document, err := response.Render(content, x.variant, signer)
	if err != nil {
		x.simulator.log.Error(err, "The response could not be signed; a SOAP fault is sent instead")
		return response.Fault(string(request.Server), "the response could not be signed")
	}
	return document
}

// deliver sends a message.
func deliver(writer http.ResponseWriter, status int, document []byte) {
	writer.Header().Set("Content-Type", protocol.ContentType)
	writer.WriteHeader(status)
	// A client that has gone away needs no response.
	_, _ = writer.Write(document)
}

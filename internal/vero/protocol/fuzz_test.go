package protocol_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	vero "github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// FuzzResponse checks that reading a response never panics, fails with errors of this package that can be shown, and
// gives nothing that breaks the rules of its field.
func FuzzResponse(f *testing.F) {
	for _, variant := range response.Variants() {
		for _, operation := range protocol.Operations() {
			document := must.Get(response.Render(response.Content{Operation: operation, RetrievalID: "ABC123"}, variant, nil))(f)
			f.Add(document)
		}
	}
	f.Add(response.Fault("Server", "no"))
	for _, test := range unfit {
		f.Add([]byte(soap(`<ser:SignNewCertificateResponse xmlns:ser="` + vero.Namespace + `">` + test.fields +
			`</ser:SignNewCertificateResponse>`)))
	}
	for _, code := range vero.Codes() {
		f.Add([]byte(soap(`<GetCertificateResponse xmlns="` + vero.Namespace + `">` +
			failed(info(string(code.Code), code.Text), info("PKI777", "")) + `</GetCertificateResponse>`)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := xmlsig.Parse(data)
		if err != nil {
			return
		}
		payload, err := vero.Unwrap(document)
		if err != nil {
			checkKind(t, err, payload == nil)
			return
		}
		for _, operation := range vero.Operations() {
			if err := vero.CheckResponse(payload, operation); err != nil {
				checkKind(t, err, true)
			}
			id, err := vero.ReadSubmission(payload, operation)
			checkRead(t, id, err)
		}
		if certificate, err := vero.ReadCertificate(payload); err != nil {
			checkKind(t, err, certificate == nil)
		} else if len(certificate) == 0 {
			t.Error("an empty certificate is OK")
		}
		if id := vero.PeekRetrievalID(payload); id != "" {
			checkRead(t, id, nil)
		}
	})
}

func checkRead(t *testing.T, id string, err error) {
	t.Helper()
	if err != nil {
		checkKind(t, err, id == "")
		return
	}
	if err := vero.CheckRetrievalID(id); err != nil {
		t.Errorf("the RetrievalId %q was read: %v", id, err)
	}
}

// checkKind fails unless an error is one of those that a response can lead to, and comes without a value.
func checkKind(t *testing.T, err error, alone bool) {
	t.Helper()
	var wrong *vero.ResponseError
	var fault *vero.FaultError
	var refusal *vero.ServiceError
	switch {
	case !alone:
		t.Errorf("a value beside the error %v", err)
	case !errors.As(err, &wrong) && !errors.As(err, &fault) && !errors.As(err, &refusal):
		t.Errorf("error of type %T", err)
	case refusal != nil && refusal.Code == "":
		t.Error("a refusal without a code")
	}
	checkLine(t, err)
}

// FuzzPayload checks that what Payload accepts can be sent: it is written, holds no forbidden sequence, fits the schema
// in the eyes of the simulator's reader, which shares no code with this package, and means the same there.
func FuzzPayload(f *testing.F) {
	f.Add(true, "0123456-7", "Esimerkki Oy", "A1B2C3", "s3cret", "0f8fad5b", someRequest)
	f.Add(false, "1", "", "<&>'\"-/ *", "&#38;<![CDATA[", "]]>", []byte{0x30, 0x00})
	f.Add(true, strings.Repeat("ä", 30), strings.Repeat("\U0001F600", 100), "a-b", "a/b", "a  b", someRequest)
	f.Add(false, "01234567", "a--b", "/*", " ", "a\n", []byte("-----BEGIN"))
	f.Add(true, "\u00ad", "\u200b", "\u202e", "\u0378", "\ufdd0", someRequest)
	f.Fuzz(func(t *testing.T, test bool, customer, name, transfer, password, retrieval string, csr []byte) {
		environment := vero.Production
		if test {
			environment = vero.Test
		}
		party := vero.Party{Environment: environment, CustomerID: customer, CustomerName: name}
		checkSent(t, vero.SignNewCertificate, &vero.SignNew{
			Party: party, TransferID: transfer, TransferPassword: vero.NewPassword(password), CSR: csr,
		}, sent{
			Environment: string(environment), CustomerID: customer, CustomerName: name, TransferID: transfer,
			Password: password, Request: string(csr),
		})
		checkSent(t, vero.GetCertificate, &vero.Get{Party: party, RetrievalID: retrieval}, sent{
			Environment: string(environment), CustomerID: customer, CustomerName: name, RetrievalID: retrieval,
		})
		// The schema wants a signature on it; its fields are those of the others.
		if payload, err := (&vero.Renew{Party: party, CSR: csr}).Payload(); err == nil {
			checkWritten(t, payload)
		} else {
			checkRefusal(t, err)
		}
	})
}

// sent is what the simulator reads in a message.
type sent struct {
	Environment, CustomerID, CustomerName, TransferID, Password, RetrievalID string
	Request                                                                  string
}

func checkSent(t *testing.T, operation vero.Operation, message message, want sent) {
	t.Helper()
	payload, err := message.Payload()
	if err != nil {
		checkRefusal(t, err)
		return
	}
	document := checkWritten(t, payload)
	read, err := request.Parse(http.Header{"Soapaction": {operation.SOAPAction()}}, document)
	if err != nil {
		t.Fatalf("%v in\n%q", err, document)
	}
	got := sent{
		Environment: read.Environment, CustomerID: read.CustomerID, CustomerName: read.CustomerName,
		TransferID: read.TransferID, Password: read.TransferPassword, RetrievalID: read.RetrievalID,
		Request: string(read.CertificateRequest),
	}
	if diff := cmp.Diff(want, got); diff != "" || string(read.Operation) != string(operation) {
		t.Errorf("%s: -sent +read\n%s", read.Operation, diff)
	}
}

func checkWritten(t *testing.T, payload *etree.Element) []byte {
	t.Helper()
	document := must.Get(vero.Wrap(payload))(t)
	for _, sequence := range []string{"--", "/*", "&#", "\r", "\ufeff"} {
		if bytes.Contains(document, []byte(sequence)) {
			t.Errorf("%q is in\n%q", sequence, document)
		}
	}
	if _, err := xmlsig.Parse(document); err != nil {
		t.Errorf("%v in\n%q", err, document)
	}
	return document
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if broken, is := errors.AsType[vero.FieldErrors](err); !is || len(broken) == 0 {
		t.Fatalf("error of type %T", err)
	}
	checkLine(t, err)
}

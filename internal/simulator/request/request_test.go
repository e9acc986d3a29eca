package request_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
)

const signNew = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<ser:SignNewCertificateRequest xmlns:ser="http://certificates.vero.fi/2017/10/certificateservices">` +
	`<Environment>TEST</Environment><CustomerId>0123456-7</CustomerId><CustomerName>A &amp; B</CustomerName>` +
	`<TransferId>ID</TransferId><TransferPassword> p </TransferPassword><CertificateRequest>AA
EC</CertificateRequest></ser:SignNewCertificateRequest></soapenv:Body></soapenv:Envelope>`

// renewal has the form that the service wants, and a signature that fits nothing.
const renewal = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<ser:RenewCertificateRequest xmlns:ser="http://certificates.vero.fi/2017/10/certificateservices">` +
	`<Environment>TEST</Environment><CustomerId>0123456-7</CustomerId><CertificateRequest>AAEC</CertificateRequest>` +
	`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
	`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>` +
	`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="">` +
	`<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
	`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>` +
	`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>` +
	`<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue>` +
	`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>` +
	`</ds:Signature></ser:RenewCertificateRequest></soapenv:Body></soapenv:Envelope>`

func action(operation protocol.Operation) http.Header {
	return http.Header{"Soapaction": {`"` + operation.Action() + `"`}}
}

func TestFieldsAreReadAsTheyWereMeant(t *testing.T) {
	got := must.Get(request.Parse(action(protocol.SignNewCertificate), []byte(signNew)))(t)
	if got.Operation != protocol.SignNewCertificate || got.Environment != "TEST" || got.CustomerID != "0123456-7" ||
		got.CustomerName != "A & B" || got.TransferID != "ID" || got.TransferPassword != " p " ||
		string(got.CertificateRequest) != "\x00\x01\x02" {
		t.Errorf("read %+v", got)
	}
}

func TestTwoActionsAreAFault(t *testing.T) {
	header := action(protocol.SignNewCertificate)
	header.Add("SOAPAction", `"signNewCertificate"`)
	var fault *request.Fault
	if _, err := request.Parse(header, []byte(signNew)); !errors.As(err, &fault) || fault.Code != request.Client {
		t.Errorf("the error is %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(signNew))
	f.Add([]byte(strings.ReplaceAll(signNew, "ser:", "")))
	f.Add([]byte(renewal))
	f.Add([]byte(`<a`))
	f.Add([]byte(`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body/></Envelope>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, operation := range protocol.Operations() {
			got, err := request.Parse(action(operation), body)
			var fault *request.Fault
			if err != nil {
				if !errors.As(err, &fault) || fault.Reason == "" || got != nil {
					t.Fatalf("the error is %T %v", err, err)
				}
				continue
			}
			if got.Operation != operation || got.CustomerID == "" || utf8.RuneCountInString(got.CustomerID) > 30 {
				t.Fatalf("read %+v", got)
			}
			if operation == protocol.RenewCertificate {
				_, _ = got.VerifySignature()
			}
		}
	})
}

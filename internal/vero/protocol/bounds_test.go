package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// longestError is how many bytes the text of the longest error about a response may have.
const longestError = 2048

// Responses of the size that is read, which are nothing but text that an error could repeat.
func TestErrorsRepeatTheBeginningOfAResponseOnly(t *testing.T) {
	long := strings.Repeat("\U0001F600", 200_000)
	name := strings.Repeat("\u6F22", 300)
	fault := func(code, text string) string {
		return soap(`<soapenv:Fault><faultcode>` + code + `</faultcode><faultstring>` + text +
			`</faultstring></soapenv:Fault>`)
	}
	response := func(content string) string {
		return soap(`<r:SignNewCertificateResponse xmlns:r="` + protocol.Namespace + `">` + content +
			`</r:SignNewCertificateResponse>`)
	}
	failure := func(code, text string) string {
		return response(`<Result><Status>FAIL</Status><ErrorInfo><ErrorCode>` + code + `</ErrorCode><ErrorMessage>` + text +
			`</ErrorMessage></ErrorInfo></Result>`)
	}
	for claim, document := range map[string]string{
		"root":            `<` + name + `/>`,
		"root, prefixed":  `<` + name + `:Envelope xmlns:` + name + `="urn:` + name + `"/>`,
		"payload":         soap(`<` + name + `/>`),
		"namespace":       soap(`<SignNewCertificateResponse xmlns="urn:` + name + `"/>`),
		"faultcode":       fault(long, "text"),
		"faultstring":     fault("Server", long),
		"Fault":           fault(long[:400_000], long[:400_000]),
		"quotation marks": response(`<Result><Status>` + strings.Repeat(`"`, 900_000) + `</Status></Result>`),
		"Status":          response(`<Result><Status>` + long + `</Status></Result>`),
		"ErrorCode":       failure(long, "text"),
		"ErrorMessage":    failure("PKI020", long),
		"RetrievalId":     response(`<RetrievalId>` + long + `</RetrievalId><Result><Status>OK</Status></Result>`),
		"white space":     fault("Server", strings.Repeat(" \n", 400_000)+"x"),
	} {
		payload, err := protocol.Unwrap(parse(t, document))
		if err == nil {
			err = protocol.CheckResponse(payload, protocol.SignNewCertificate)
		}
		if err == nil {
			_, err = protocol.ReadSubmission(payload, protocol.SignNewCertificate)
		}
		if _, isCallError := errors.AsType[protocol.CallError](err); !isCallError || len(err.Error()) > longestError {
			t.Errorf("%s: error of type %T: %.300v", claim, err, err)
		}
	}
}

package protocol

import "fmt"

// Problem is a refusal that the service answers with HTTP 200 and Status FAIL: a code of chapter 4 of the
// interface description. Only the code and its text travel; the detail stays with the operator of the simulator.
type Problem struct {
	// Code is the ErrorCode, 1 to 10 characters.
	Code string
	// Message is the ErrorMessage, 1 to 255 characters.
	Message string
	// Detail says what exactly was wrong; it is logged, never sent, and names no password.
	Detail string
}

// Error gives the code, its text and the detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("%s %s", p.Code, p.Message)
	}
	return fmt.Sprintf("%s %s: %s", p.Code, p.Message, p.Detail)
}

// texts are the explanations of the codes, word for word (interface description 4).
var texts = map[string]string{
	"PKI005": "Wrong environment type specified",
	"PKI010": "Signature verification failed",
	"PKI015": "Invalid certificate to be renewed received",
	"PKI020": "Invalid credentials",
	"PKI030": "Attached CSR is not valid",
	"PKI080": "Certificate renewal not yet allowed",
	"PKI099": "Generic Technical Error",
}

// NewProblem is the problem of any code; a code that chapter 4 does not know gets a text that says so, since
// a client has to cope with codes that are added later.
func NewProblem(code, detail string) *Problem {
	text, known := texts[code]
	if !known {
		text = "Error " + code
	}
	return &Problem{Code: code, Message: text, Detail: detail}
}

// WrongEnvironment is PKI005: Environment is not the one this service serves.
func WrongEnvironment(detail string) *Problem { return NewProblem("PKI005", detail) }

// SignatureInvalid is PKI010: the signature does not verify, or another certificate than the one to renew made it.
func SignatureInvalid(detail string) *Problem { return NewProblem("PKI010", detail) }

// CertificateNotRenewable is PKI015: the signing certificate is foreign, revoked, expired or lacks data.
func CertificateNotRenewable(detail string) *Problem { return NewProblem("PKI015", detail) }

// InvalidCredentials is PKI020: CustomerId, TransferId or TransferPassword is wrong.
func InvalidCredentials(detail string) *Problem { return NewProblem("PKI020", detail) }

// InvalidCertificateRequest is PKI030: the PKCS#10 request is not acceptable.
func InvalidCertificateRequest(detail string) *Problem { return NewProblem("PKI030", detail) }

// RenewalTooEarly is PKI080: the certificate has longer to live than the renewal window.
func RenewalTooEarly(detail string) *Problem { return NewProblem("PKI080", detail) }

// Technical is PKI099: everything without a code of its own, above all fetching too early.
func Technical(detail string) *Problem { return NewProblem("PKI099", detail) }

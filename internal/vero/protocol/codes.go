package protocol

import "slices"

// Code is an error code of the service (interface description 4).
type Code string

// The codes of interface description 4.
const (
	CodeWrongEnvironment Code = "PKI005"
	CodeSignature        Code = "PKI010"
	CodeCertificate      Code = "PKI015"
	CodeCredentials      Code = "PKI020"
	CodeRequest          Code = "PKI030"
	CodeTooEarly         Code = "PKI080"
	CodeTechnical        Code = "PKI099"
)

// Meaning is a row of the code table.
type Meaning struct {
	// Code and Text are the service's own.
	Code Code
	Text string
	// Operations that may answer it.
	Operations []Operation
	// Cause says in a sentence what the service means, Remedy what the reader should do.
	Cause, Remedy string
}

// ContactService is the remedy for what only the service's staff can find out. One certificate service serves several
// interfaces and asks which of them the certificate is for (docs/protocol.md, Ordering).
const ContactService = "contact the certificate service, naming the interface that the certificate is for"

// codeTable is interface description 4, with the explanations of docs/protocol.md, Error codes.
var codeTable = []Meaning{
	{
		Code: CodeWrongEnvironment, Text: "Wrong environment type specified", Operations: Operations(),
		Cause:  "the service does not belong to the environment that the request named",
		Remedy: "make spec.environment and spec.url of the issuer name the same environment",
	},
	{
		Code: CodeSignature, Text: "Signature verification failed", Operations: []Operation{RenewCertificate},
		Cause:  "the service does not accept the signature of the renewal",
		Remedy: "check that the Secret of the Certificate holds the certificate that is to be renewed with its key",
	},
	{
		Code: CodeCertificate, Text: "Invalid certificate to be renewed received",
		Operations: []Operation{RenewCertificate},
		Cause:      "the certificate that signed the renewal is revoked, not the service's own, or lacks data",
		Remedy:     "order new transfer credentials and put them into the transfer Secret",
	},
	{
		Code: CodeCredentials, Text: "Invalid credentials", Operations: []Operation{SignNewCertificate, GetCertificate},
		Cause:  "the customer id, the transfer id or the transfer password is wrong, expired or already used",
		Remedy: "correct the transfer Secret, or order new transfer credentials and put them there",
	},
	{
		Code: CodeRequest, Text: "Attached CSR is not valid",
		Operations: []Operation{SignNewCertificate, RenewCertificate},
		Cause:      "the service does not take the certificate signing request",
		Remedy:     "check the Certificate's spec.privateKey (RSA, 2048 bits) and spec.commonName; a new request is needed",
	},
	{
		Code: CodeTooEarly, Text: "Certificate renewal not yet allowed", Operations: []Operation{RenewCertificate},
		Cause:  "the certificate has more than 60 days left",
		Remedy: "none is needed: the request waits; check the clock of the cluster if the date looks wrong",
	},
	{
		Code: CodeTechnical, Text: "Generic Technical Error", Operations: Operations(),
		Cause:  "the service gives no reason; the certificate may not be made yet, or an earlier step has failed",
		Remedy: "none is needed at first: it is tried again; if it lasts, " + ContactService,
	},
}

// Codes is the table of interface description 4.
func Codes() []Meaning {
	table := slices.Clone(codeTable)
	for index := range table {
		table[index].Operations = slices.Clone(table[index].Operations)
	}
	return table
}

// ServiceError is a verified response with Status FAIL: the service has read the request and refused it.
type ServiceError struct {
	// Code is the service's code; one that the table does not know is treated as CodeTechnical by its readers.
	Code Code
	// Text is the service's own explanation, made printable; empty if it gave none.
	Text string
}

func (e *ServiceError) Error() string {
	response := "the certificate service answered " + string(e.Code)
	if e.Text != "" {
		response += " (" + e.Text + ")"
	}
	meaning, known := e.Meaning()
	if !known {
		return response + ", a code it has not documented"
	}
	return response + ": " + meaning.Cause
}

// MayHaveBeenProcessed is false: a verified refusal accepts nothing.
func (*ServiceError) MayHaveBeenProcessed() bool { return false }

// Meaning is the error's row of the code table, and whether there is one.
func (e *ServiceError) Meaning() (Meaning, bool) {
	for _, meaning := range codeTable {
		if meaning.Code == e.Code {
			return meaning, true
		}
	}
	return Meaning{}, false
}

// rank orders failures that one response lists by how much they say.
func (e *ServiceError) rank() int {
	switch _, known := e.Meaning(); {
	case !known:
		return 0
	case e.Code == CodeTechnical:
		return 1
	default:
		return 2
	}
}

package protocol

import "strings"

// Namespace of the service's elements (interface description 1.2).
const Namespace = "http://certificates.vero.fi/2017/10/certificateservices"

// Operation is one of the service's three operations (interface description 2).
type Operation string

// The operations. SignNewCertificate and RenewCertificate start a certificate, GetCertificate fetches it.
const (
	SignNewCertificate Operation = "SignNewCertificate"
	RenewCertificate   Operation = "RenewCertificate"
	GetCertificate     Operation = "GetCertificate"
)

// Operations lists all of them.
func Operations() []Operation {
	return []Operation{SignNewCertificate, RenewCertificate, GetCertificate}
}

// SOAPAction is the value of the HTTP header of that name: the operation in lower camel case, quotes included
// (docs/protocol.md, Transport).
func (o Operation) SOAPAction() string {
	if o == "" {
		return `""`
	}
	return `"` + strings.ToLower(string(o[:1])) + string(o[1:]) + `"`
}

func (o Operation) request() string  { return string(o) + "Request" }
func (o Operation) response() string { return string(o) + "Response" }

// Environment is the value of the element of that name; it must be the environment of the service that is asked
// (interface description 3.1).
type Environment string

// The environments.
const (
	Test       Environment = "TEST"
	Production Environment = "PRODUCTION"
)

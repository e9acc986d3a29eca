// Package protocol holds the names of the certificate service's interface: its operations, its
// namespaces and its error codes.
package protocol

// Namespaces of the messages (interface description 1; SOAP 1.1; XML Signature 2000/09).
const (
	// Namespace is the one of the payload's root element.
	Namespace = "http://certificates.vero.fi/2017/10/certificateservices"
	// SOAPNamespace is the one of a SOAP 1.1 envelope.
	SOAPNamespace = "http://schemas.xmlsoap.org/soap/envelope/"
	// SignatureNamespace is the one of XML Signature.
	SignatureNamespace = "http://www.w3.org/2000/09/xmldsig#"
	// InstanceNamespace is the one of the attributes that XML Schema allows on every element.
	InstanceNamespace = "http://www.w3.org/2001/XMLSchema-instance"
)

// Path is where the service answers, on the real hosts and here.
const Path = "/2017/10/CertificateServices"

// ContentType is what a request must bear and a response bears (interface description 1.3).
const ContentType = "text/xml; charset=utf-8"

// Values of Environment (interface description 3).
const (
	EnvironmentTest       = "TEST"
	EnvironmentProduction = "PRODUCTION"
)

// Values of Result/Status (interface description 3.7).
const (
	StatusOK   = "OK"
	StatusFail = "FAIL"
)

// Operation is the name of one of the service's three operations (interface description 2).
type Operation string

// The three operations.
const (
	SignNewCertificate Operation = "SignNewCertificate"
	RenewCertificate   Operation = "RenewCertificate"
	GetCertificate     Operation = "GetCertificate"
)

// Operations lists them in the order of the interface description.
func Operations() []Operation {
	return []Operation{SignNewCertificate, RenewCertificate, GetCertificate}
}

// RequestElement is the local name of the payload that asks for the operation.
func (o Operation) RequestElement() string { return string(o) + "Request" }

// ResponseElement is the local name of the payload that answers it.
func (o Operation) ResponseElement() string { return string(o) + "Response" }

// Action is the value of the SOAPAction header without its quotes: the name with a lower case initial.
func (o Operation) Action() string {
	switch o {
	case SignNewCertificate:
		return "signNewCertificate"
	case RenewCertificate:
		return "renewCertificate"
	case GetCertificate:
		return "getCertificate"
	}
	return ""
}

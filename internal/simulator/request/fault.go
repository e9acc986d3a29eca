package request

import "fmt"

// FaultCode is a SOAP 1.1 fault code (SOAP 1.1, 4.4.1).
type FaultCode string

// The fault codes.
const (
	// Client means that the message has to be changed before it is sent again.
	Client FaultCode = "Client"
	// Server means that the message was not the reason.
	Server FaultCode = "Server"
	// VersionMismatch means that the envelope is not one of SOAP 1.1.
	VersionMismatch FaultCode = "VersionMismatch"
	// MustUnderstand means that a header was compulsory, and unknown.
	MustUnderstand FaultCode = "MustUnderstand"
)

// Fault is an error found before the message is handled: the response is a SOAP 1.1 Fault with HTTP 500
// (interface description 2.2).
type Fault struct {
	// Code says whose fault it is.
	Code FaultCode
	// Reason is one sentence for a person.
	Reason string
}

// Error gives the code and the reason.
func (f *Fault) Error() string { return fmt.Sprintf("SOAP fault %s: %s", f.Code, f.Reason) }

func clientFault(format string, arguments ...any) *Fault {
	return &Fault{Code: Client, Reason: fmt.Sprintf(format, arguments...)}
}

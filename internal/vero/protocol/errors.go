package protocol

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// CallError is what every failure of a call tells beyond its text. An error of package client that is none, such as
// FieldErrors, comes from before the call: nothing was sent.
type CallError interface {
	error
	// MayHaveBeenProcessed reports whether the service can have acted on the request. Where it is true, repeating a
	// SignNewCertificate may meet credentials that are used up, and a RetrievalId may be lost.
	MayHaveBeenProcessed() bool
}

var (
	_ CallError = (*ServiceError)(nil)
	_ CallError = (*ForbiddenEndpointError)(nil)
	_ CallError = (*UnreachableError)(nil)
	_ CallError = (*UntrustedServerError)(nil)
	_ CallError = (*InterruptedError)(nil)
	_ CallError = (*HTTPError)(nil)
	_ CallError = (*FaultError)(nil)
	_ CallError = (*OversizeError)(nil)
	_ CallError = (*NotXMLError)(nil)
	_ CallError = (*ResponseError)(nil)
	_ CallError = (*UnverifiedError)(nil)
)

// ForbiddenEndpointError: the controller's rules do not let this endpoint be called; nothing was connected to.
type ForbiddenEndpointError struct {
	// Host is the host and port of the endpoint. The address that a name has led to is not told.
	Host string
	// Err is the rule.
	Err error
}

func (e *ForbiddenEndpointError) Error() string {
	return fmt.Sprintf("%s must not be called: %v", e.Host, e.Err)
}

// Unwrap is the rule.
func (e *ForbiddenEndpointError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is false.
func (*ForbiddenEndpointError) MayHaveBeenProcessed() bool { return false }

// UnreachableError: no connection came about (name, route, port, handshake); nothing was sent.
type UnreachableError struct {
	// Host is the host and port that was tried.
	Host string
	// Err is the cause.
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot connect to %s: %v", e.Host, e.Err)
}

// Unwrap is the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is false.
func (*UnreachableError) MayHaveBeenProcessed() bool { return false }

// UntrustedServerError: the TLS certificate of the service does not verify; nothing was sent.
type UntrustedServerError struct {
	// Host is the host and port that was tried.
	Host string
	// Err is the cause.
	Err error
}

func (e *UntrustedServerError) Error() string {
	return fmt.Sprintf("the TLS certificate of %s does not verify: %v", e.Host, e.Err)
}

// Unwrap is the cause.
func (e *UntrustedServerError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is false.
func (*UntrustedServerError) MayHaveBeenProcessed() bool { return false }

// InterruptedError: the connection ended, or time ran out, after it had come about.
type InterruptedError struct {
	// Timeout reports whether time ran out.
	Timeout bool
	// Unsent is true where the end of the request was certainly not sent, so that nobody can have acted on it.
	Unsent bool
	// Err is the cause.
	Err error
}

func (e *InterruptedError) Error() string {
	if e.Unsent {
		return fmt.Sprintf("the connection ended before the request was sent (%v)", e.Err)
	}
	if e.Timeout {
		return "the certificate service did not answer in time; it may have processed the request"
	}
	return fmt.Sprintf("the connection ended before the response was complete (%v); "+
		"the certificate service may have processed the request", e.Err)
}

// Unwrap is the cause.
func (e *InterruptedError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is false only for a request that was not sent to its end.
func (e *InterruptedError) MayHaveBeenProcessed() bool { return !e.Unsent }

// HTTPError: an HTTP status other than 200, without a SOAP Fault, or a response that is not text/xml.
type HTTPError struct {
	// Status is the HTTP status code.
	Status int
	// Detail says what else was wrong; empty mostly.
	Detail string
	// RetryAfter is how long the endpoint wants to be left alone, which it may say with 429 and 503; 0 if it does not.
	RetryAfter time.Duration
}

func (e *HTTPError) Error() string {
	if e.Detail != "" {
		return fmt.Sprintf("the endpoint answered HTTP %d, %s", e.Status, e.Detail)
	}
	return fmt.Sprintf("the endpoint answered HTTP %d", e.Status)
}

// unread are the statuses that say that nobody has acted on the request: it was refused for its address, its sender,
// its form or its size (RFC 9110, 15.5; RFC 6585). What is not among them may be said after the work is done: 408 by a
// gateway that waits no longer, 409 about what the work has left behind, 429 and 3xx by anybody in between.
var unread = map[int]bool{
	400: true, 401: true, 403: true, 404: true, 405: true, 406: true, 411: true, 413: true, 414: true, 415: true,
	417: true, 421: true, 426: true, 428: true, 431: true, 501: true, 505: true,
}

// MayHaveBeenProcessed is false only for the statuses with which the request is certainly unread.
func (e *HTTPError) MayHaveBeenProcessed() bool { return !unread[e.Status] }

// FaultError: a SOAP 1.1 Fault; mostly the service could not read the message as such (interface description 2.2).
type FaultError struct {
	// Code and Text are the fault's faultcode and faultstring, made printable; empty if it has none.
	Code, Text string
}

func (e *FaultError) Error() string {
	text, code := e.Text, e.Code
	if text == "" {
		text = "no explanation"
	}
	if code == "" {
		code = "no code"
	}
	return fmt.Sprintf("the certificate service answered with a SOAP Fault: %s (%s)", text, code)
}

// MayHaveBeenProcessed is false for the faultcodes that blame the message itself, which then was not handled (SOAP
// 1.1, 4.4.1). Server, and any other, can come from behind the handling, as when something upstream gave no response:
// interface description 2.2 lists invalid messages as examples only.
func (e *FaultError) MayHaveBeenProcessed() bool {
	class, _, _ := strings.Cut(e.Code[strings.LastIndexByte(e.Code, ':')+1:], ".")
	switch class {
	case "Client", "VersionMismatch", "MustUnderstand":
		return false
	default:
		return true
	}
}

// OversizeError: the response is larger than any response of the service can be; it was not read as one.
type OversizeError struct {
	// Limit in bytes.
	Limit int64
}

func (e *OversizeError) Error() string {
	return fmt.Sprintf("the response is larger than %d bytes and was not read", e.Limit)
}

// MayHaveBeenProcessed is true.
func (*OversizeError) MayHaveBeenProcessed() bool { return true }

// NotXMLError: the response is not a well-formed, harmless XML document.
type NotXMLError struct {
	// Err says why.
	Err error
}

func (e *NotXMLError) Error() string {
	return fmt.Sprintf("the response cannot be read as XML: %v", e.Err)
}

// Unwrap is the cause.
func (e *NotXMLError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is true.
func (*NotXMLError) MayHaveBeenProcessed() bool { return true }

// ResponseError: the response is XML, but not a response to what was asked.
type ResponseError struct {
	// Problem says what is wrong with it.
	Problem string
}

func responseErrorf(format string, arguments ...any) *ResponseError {
	return &ResponseError{Problem: fmt.Sprintf(format, arguments...)}
}

func (e *ResponseError) Error() string {
	return "the certificate service's response does not fit the request: " + e.Problem
}

// MayHaveBeenProcessed is true.
func (*ResponseError) MayHaveBeenProcessed() bool { return true }

// UnverifiedError: the signature of the response does not verify, or what came back is not even a response to rely on,
// and a RetrievalId stands in it. Nothing in it is believed; its RetrievalId, if it has one, is kept so that it can be
// tried.
type UnverifiedError struct {
	// RetrievalID that the response carries, empty if none.
	RetrievalID string
	// Err says why the signature does not verify. A CallError is how the call would have ended without the RetrievalId.
	Err error
}

func (e *UnverifiedError) Error() string {
	if damage := e.Damage(); damage != nil {
		return fmt.Sprintf("what came back is no response to rely on: %v", damage)
	}
	return fmt.Sprintf("the signature of the certificate service's response does not verify: %v", e.Err)
}

// Damage is how the call would have ended without the RetrievalId, where it is not the signature that is wrong; else
// nil.
func (e *UnverifiedError) Damage() CallError {
	damage, _ := errors.AsType[CallError](e.Err)
	return damage
}

// WithoutRetrievalID is how the call would have ended without the RetrievalId.
func (e *UnverifiedError) WithoutRetrievalID() error {
	if damage := e.Damage(); damage != nil {
		return damage
	}
	return &UnverifiedError{Err: e.Err}
}

// Unwrap is the cause.
func (e *UnverifiedError) Unwrap() error { return e.Err }

// MayHaveBeenProcessed is true.
func (*UnverifiedError) MayHaveBeenProcessed() bool { return true }

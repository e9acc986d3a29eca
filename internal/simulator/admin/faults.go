package admin

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FaultKind is a way in which the service misbehaves.
type FaultKind string

// The kinds. "Processed" means that the request has had its full effect when the fault strikes: credentials are
// spent, an order exists.
const (
	// DropBefore closes the connection; not processed.
	DropBefore FaultKind = "drop-before"
	// TimeoutAfter holds the response for Hold, or until the client goes away; processed.
	TimeoutAfter FaultKind = "timeout-after"
	// ResetMidResponse sends half of the response and resets the connection; processed.
	ResetMidResponse FaultKind = "reset-mid-response"
	// HTTPStatus answers with the bare Status; not processed unless AfterProcessing.
	HTTPStatus FaultKind = "http-status"
	// SOAPFault answers with a SOAP Fault and HTTP 500; not processed unless AfterProcessing.
	SOAPFault FaultKind = "soap-fault"
	// ResultFail answers with a signed FAIL that bears Code; not processed unless AfterProcessing.
	ResultFail FaultKind = "result"
	// Redirect answers 307 to another path; not processed unless AfterProcessing.
	Redirect FaultKind = "redirect"
	// StrangerSignature signs the response with a certificate of an unknown CA; processed.
	StrangerSignature FaultKind = "stranger-signature"
	// Unsigned leaves the signature out; processed.
	Unsigned FaultKind = "unsigned"
	// Malformed breaks the XML of the response; processed.
	Malformed FaultKind = "malformed"
	// Truncated sends the first half of the response as if it were all; processed.
	Truncated FaultKind = "truncated"
	// Oversize streams 100 MB; processed.
	Oversize FaultKind = "oversize"
	// Slow sends the response byte by byte, one per Interval (default 1s); processed.
	Slow FaultKind = "slow"
	// WrongContentType calls the response text/html; processed.
	WrongContentType FaultKind = "wrong-content-type"
	// WrongOperation gives a signed response that belongs to another operation; processed.
	WrongOperation FaultKind = "wrong-operation"
	// WrongCertificate answers a GetCertificate with the wrong certificate that Variant names; processed. Only
	// responses that would have borne a certificate count.
	WrongCertificate FaultKind = "wrong-certificate"
	// Replay repeats the last successful response to the operation; processed. Without one nothing happens.
	Replay FaultKind = "replay"
)

// Variants of WrongCertificate.
const (
	// AnotherCustomer has the common name of another customer.
	AnotherCustomer = "another-customer"
	// AnotherKey certifies another public key.
	AnotherKey = "another-key"
	// Expired ended yesterday.
	Expired = "expired"
	// NotYetValid starts tomorrow.
	NotYetValid = "not-yet-valid"
	// UnknownCA comes from a CA that is in no bundle.
	UnknownCA = "unknown-ca"
)

// FaultKinds lists every kind.
func FaultKinds() []FaultKind {
	return []FaultKind{DropBefore, TimeoutAfter, ResetMidResponse, HTTPStatus, SOAPFault, ResultFail, Redirect,
		StrangerSignature, Unsigned, Malformed, Truncated, Oversize, Slow, WrongContentType, WrongOperation,
		WrongCertificate, Replay}
}

// CertificateVariants lists the variants of WrongCertificate.
func CertificateVariants() []string {
	return []string{AnotherCustomer, AnotherKey, Expired, NotYetValid, UnknownCA}
}

// Fault is a scripted misbehavior: the body of POST /faults, and an element of GET /faults.
type Fault struct {
	// ID is given by the simulator.
	ID string `json:"id,omitempty"`
	// Operation is SignNewCertificate, RenewCertificate or GetCertificate; empty means any.
	Operation string `json:"operation,omitempty"`
	// Kind says what happens.
	Kind FaultKind `json:"kind"`
	// Count is how many calls are hit; it counts down. 0 means 1, or no limit when ForDuration is set.
	Count int `json:"count,omitempty"`
	// ForDuration ends the fault that long after it was scripted.
	ForDuration Duration `json:"forDuration,omitempty"`
	// ExpiresAt is when ForDuration ends; set by the simulator.
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	// Probability is the percentage of matching calls that are hit, 1 to 100; 0 means 100.
	Probability int `json:"probability,omitempty"`
	// Hold is how long TimeoutAfter holds the response; 0 means until the client goes away.
	Hold Duration `json:"hold,omitempty"`
	// Interval is the time between two bytes of Slow; 0 means one second.
	Interval Duration `json:"interval,omitempty"`
	// Status is the status of HTTPStatus: 400 to 599; 0 means 503.
	Status int `json:"status,omitempty"`
	// RetryAfter lets HTTPStatus ask for that distance in a header Retry-After, in seconds, rounded up; 0 means without.
	RetryAfter Duration `json:"retryAfter,omitempty"`
	// Code is the error code of ResultFail, 1 to 10 characters; empty means PKI099.
	Code string `json:"code,omitempty"`
	// Variant is which wrong certificate; empty means another-customer.
	Variant string `json:"variant,omitempty"`
	// AfterProcessing lets HTTPStatus, SOAPFault, ResultFail and Redirect strike after the request had its effect,
	// as when a gateway loses a response.
	AfterProcessing bool `json:"afterProcessing,omitempty"`
	// Hits is how many calls were hit; set by the simulator.
	Hits int `json:"hits"`
}

// Validate says what is wrong with a fault that is to be scripted.
func (f Fault) Validate() error {
	if !slices.Contains(FaultKinds(), f.Kind) {
		return fmt.Errorf("kind %q is unknown; the kinds are %v", f.Kind, FaultKinds())
	}
	operations := []string{"", "SignNewCertificate", "RenewCertificate", "GetCertificate"}
	if !slices.Contains(operations, f.Operation) {
		return fmt.Errorf("operation %q is unknown; leave it out for any, or use one of %v", f.Operation, operations[1:])
	}
	if f.Count < 0 || f.ForDuration < 0 || f.Hold < 0 || f.Interval < 0 || f.RetryAfter < 0 {
		return errors.New("count, forDuration, hold, interval and retryAfter of a fault cannot be negative")
	}
	if f.Probability < 0 || f.Probability > 100 {
		return fmt.Errorf("probability %d is not a percentage of 1 to 100", f.Probability)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d is not an HTTP error of 400 to 599", f.Status)
	}
	if len(f.Code) > 10 {
		return fmt.Errorf("code %q has more than 10 characters", f.Code)
	}
	if f.Kind == WrongCertificate && f.Variant != "" && !slices.Contains(CertificateVariants(), f.Variant) {
		return fmt.Errorf("variant %q is unknown; the variants are %v", f.Variant, CertificateVariants())
	}
	return nil
}

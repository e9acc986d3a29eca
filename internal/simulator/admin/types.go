// Package admin is the simulator's admin interface as a Go program sees it: the JSON types, shared with the
// listener, and a client. It needs nothing but the standard library.
package admin

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a time.Duration that is written in JSON as Go writes it: "90s", "336h0m0s".
type Duration time.Duration

// MarshalJSON writes the duration as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads a string such as "90s".
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is a string such as \"90s\": %w", err)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}

// MintRequest is the body of POST /credentials.
type MintRequest struct {
	// CustomerID is whom the credentials are for: 1 to 30 characters.
	CustomerID string `json:"customerId"`
	// CustomerName is the organization that issued certificates will name; when empty, the one in the message.
	CustomerName string `json:"customerName,omitempty"`
	// Validity is how long the credentials live; 0 means the simulator's default, 14 days.
	Validity Duration `json:"validity,omitempty"`
	// SurfaceAtGet makes a SignNewCertificate that these credentials do not allow (wrong password or customer, used,
	// expired) be accepted all the same: PKI020 then comes from GetCertificate.
	SurfaceAtGet bool `json:"surfaceAtGet,omitempty"`
	// Count is how many to mint; 0 means 1, at most 1000.
	Count int `json:"count,omitempty"`
}

// Credential is a TransferId with its one-time password.
type Credential struct {
	TransferID       string    `json:"transferId"`
	TransferPassword string    `json:"transferPassword"`
	CustomerID       string    `json:"customerId"`
	CustomerName     string    `json:"customerName,omitempty"`
	ExpiresAt        time.Time `json:"expiresAt"`
	SurfaceAtGet     bool      `json:"surfaceAtGet,omitempty"`
}

// String names the credential without its password.
func (c Credential) String() string {
	return fmt.Sprintf("credential %s of customer %s, password [redacted]", c.TransferID, c.CustomerID)
}

// GoString is String, so that no format verb prints the password.
func (c Credential) GoString() string { return c.String() }

// MintResponse is the response to POST /credentials: the fields of the first credential, and all of them in a list.
type MintResponse struct {
	Credential

	Credentials []Credential `json:"credentials"`
}

// Request is an entry of the request log. It never holds a password.
type Request struct {
	// Time is when the request was processed, with nanoseconds.
	Time time.Time `json:"time"`
	// Operation is empty when the request was refused before it was known.
	Operation string `json:"operation,omitempty"`
	// CustomerID, TransferID and RetrievalID are as asked; RetrievalID is the one answered for SignNew and Renew.
	CustomerID  string `json:"customerId,omitempty"`
	TransferID  string `json:"transferId,omitempty"`
	RetrievalID string `json:"retrievalId,omitempty"`
	// SignerSerial is the serial number, in hexadecimal, of the certificate that signed a renewal.
	SignerSerial string `json:"signerSerial,omitempty"`
	// RemoteAddress is the peer's address and port.
	RemoteAddress string `json:"remoteAddress,omitempty"`
	// HTTPStatus is the status of the response before a scripted fault touched it; 0 when the fault struck instead of
	// processing.
	HTTPStatus int `json:"httpStatus"`
	// Code is OK or the error code of a processed request; empty for a request that was refused before.
	Code string `json:"code,omitempty"`
	// Detail says in words what was wrong.
	Detail string `json:"detail,omitempty"`
	// Accepted is true when the service processed the request with OK: an order exists, or a certificate was handed out.
	Accepted bool `json:"accepted"`
	// CertificateSerial is the serial number, in hexadecimal, of the certificate that the request orders or fetches.
	CertificateSerial string `json:"certificateSerial,omitempty"`
	// PublicKeyDigest is the SHA-256, in hexadecimal, of the requested key's SubjectPublicKeyInfo.
	PublicKeyDigest string `json:"publicKeyDigest,omitempty"`
	// Variant is how the response was written, Fault the kind of the scripted fault that hit the request.
	Variant string    `json:"variant,omitempty"`
	Fault   FaultKind `json:"fault,omitempty"`
}

// Calls is how much the service has to do at a time.
type Calls struct {
	// Running is how many calls run now: from the moment at which one has come until its response was written, or its
	// client has gone away.
	Running int `json:"running"`
	// Most is the largest number of calls that ever ran at once.
	Most int `json:"most"`
}

// Certificate is an issued certificate, or one that was revoked here.
type Certificate struct {
	// Serial is the serial number in hexadecimal.
	Serial     string `json:"serial"`
	CustomerID string `json:"customerId"`
	// Operation is the one that ordered it, RetrievalID what it is fetched with.
	Operation   string    `json:"operation"`
	RetrievalID string    `json:"retrievalId"`
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	// PublicKeyDigest is the SHA-256, in hexadecimal, of the SubjectPublicKeyInfo.
	PublicKeyDigest string `json:"publicKeyDigest"`
	// RevokedAt is absent while the certificate is not revoked.
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	// PEM is the certificate itself.
	PEM string `json:"pem"`
}

// Info is what the simulator writes to its info file.
type Info struct {
	// ServiceURL is where clients send their messages.
	ServiceURL string `json:"serviceUrl"`
	// MessagesURL is the root of the Messages API.
	MessagesURL string `json:"messagesUrl"`
	// AdminURL is the root of the admin interface.
	AdminURL string `json:"adminUrl"`
	// Environment is TEST or PRODUCTION, as messages have to say.
	Environment string `json:"environment"`
}

// Failure is the body of every response of the admin interface that is not a success.
type Failure struct {
	Error string `json:"error"`
	// DueAt is when what was asked for is there; absent where nothing is to come.
	DueAt *time.Time `json:"dueAt,omitempty"`
}

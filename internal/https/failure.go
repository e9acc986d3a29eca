package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"syscall"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// networkError is the cause of a failure in words that are the same for the same failure. The errors of the standard
// library name addresses, ports and times that change with every attempt, and some repeat what the other side has
// sent.
type networkError struct {
	text string
	// err is the cause for errors.Is and errors.As; nil where it could repeat what was sent.
	err error
}

func (e *networkError) Error() string { return e.text }

func (e *networkError) Unwrap() error { return e.err }

// Kind is how far a call came that brought no response.
type Kind int

const (
	// Forbidden: the rule does not let the endpoint be called; nothing was connected to.
	Forbidden Kind = iota + 1
	// Unreachable: no connection came about (name, route, port, proxy, handshake); nothing was sent.
	Unreachable
	// Untrusted: the TLS certificate of the service does not verify; nothing was sent.
	Untrusted
	// Broken: the connection ended, or time ran out, after it had come about.
	Broken
)

// ConnectionError is why a call brought no response.
type ConnectionError struct {
	// Kind is how far it came.
	Kind Kind
	// Timeout reports, of a broken call, whether time ran out.
	Timeout bool
	// Unsent is true where the end of the request was certainly not sent, so that nobody can have acted on it.
	Unsent bool
	// Err is the cause, in words that can be shown.
	Err error
}

// Error is the cause.
func (e *ConnectionError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// connectFailure tells a server that is not trusted from one that is not there; greeting reports whether the TLS
// handshake with it had begun.
func connectFailure(err error, greeting bool) *ConnectionError {
	if own, ok := errors.AsType[*ConnectionError](err); ok {
		return own
	}
	untrusted, isUntrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Op == "proxyconnect" {
		cause := reach(err)
		if isUntrusted {
			cause = distrust(untrusted)
		}
		cause = &networkError{text: "the proxy cannot be reached: " + cause.Error(), err: cause}
		return &ConnectionError{Kind: Unreachable, Unsent: true, Err: cause}
	}
	if isUntrusted {
		return &ConnectionError{Kind: Untrusted, Unsent: true, Err: distrust(untrusted)}
	}
	cause := reach(err)
	if greeting && endedSilently(err) {
		cause = &networkError{text: cause.Error() + helloHint, err: cause}
	}
	return &ConnectionError{Kind: Unreachable, Unsent: true, Err: cause}
}

// reach is the cause of a connection that did not come about.
func reach(err error) error {
	if recognized := recognize(err); recognized != nil {
		return recognized
	}
	if answered, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(answered.RecordHeader[:]) == "HTTP/" {
			return &networkError{text: "it speaks HTTP without TLS", err: err}
		}
		return &networkError{text: "it does not speak TLS", err: err}
	}
	// What is left is a sentence of crypto/tls, or of net about a name: the innermost error has no address in it.
	return pki.Bounded(innermost(err))
}

// Interrupted is the failure of a connection that ended, or was too slow, after it had come about; answered reports
// whether anything had come back by then.
func Interrupted(err error, answered bool) *ConnectionError {
	timeout := errors.Is(err, context.DeadlineExceeded)
	if netError, ok := errors.AsType[net.Error](err); ok {
		timeout = timeout || netError.Timeout()
	}
	cause := recognize(err)
	switch {
	case cause != nil:
	case answered:
		cause = &networkError{text: fmt.Sprintf("it is not HTTP, or has more than %d bytes of headers", MaximumHeaderBytes)}
	default:
		// The transport has words of its own for a server that hangs up before it is asked.
		cause = &networkError{text: closed, err: err}
	}
	return &ConnectionError{Kind: Broken, Timeout: timeout, Err: cause}
}

// closed is what is said of a connection that the other side has closed.
const closed = "the other side closed it"

// recognize is the cause of an error of the network where it is one of the usual ones, else nil.
func recognize(err error) error {
	if own, ok := errors.AsType[*networkError](err); ok {
		return own
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return explainLookup(lookup)
	}
	if netError, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) ||
		(ok && netError.Timeout()) {
		return &networkError{text: "no response in time", err: err}
	}
	if errors.Is(err, context.Canceled) {
		return &networkError{text: "the call was canceled", err: err}
	}
	for _, ending := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		// Which of them it is depends on who was faster.
		if errors.Is(err, ending) {
			return &networkError{text: closed, err: err}
		}
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert
	}
	return nil
}

// explainLookup says why a name has no address. The error's own text has the name server's address and our port.
func explainLookup(lookup *net.DNSError) error {
	problem := "cannot be looked up at the moment"
	switch {
	case lookup.IsNotFound:
		problem = "does not exist"
	case lookup.IsTimeout:
		problem = "was looked up, but no name server answered in time"
	}
	return &networkError{text: fmt.Sprintf("the name %s %s", shortened(lookup.Name), problem), err: lookup}
}

// currentTime is how crypto/x509 begins to say that a certificate is out of its dates.
var currentTime = regexp.MustCompile(`current time \S+ is`)

// distrust says why a server certificate does not verify, and which authority that is about: it must be configured,
// or has been and is out of its dates.
func distrust(untrusted *tls.CertificateVerificationError) error {
	text := currentTime.ReplaceAllString(pki.Bounded(untrusted.Err).Error(), "now is")
	if len(untrusted.UnverifiedCertificates) > 0 {
		leaf := untrusted.UnverifiedCertificates[0]
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](untrusted.Err); ok && !leaf.Equal(invalid.Cert) {
			text += fmt.Sprintf(" (this is about its authority %s)", pki.QuoteName(invalid.Cert.Subject))
		} else {
			text += fmt.Sprintf(" (issued by %s)", pki.QuoteName(leaf.Issuer))
		}
	}
	return &networkError{text: text, err: untrusted.Err}
}

func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

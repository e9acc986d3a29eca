package issuer

import (
	"crypto/x509"
	"errors"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// What there is to do about a TLS certificate that does not verify. Only an authority that is not known is a matter of
// trust: whoever adds one for any other reason has changed nothing, or trusts more than before.
const (
	adviceName = "correct spec.url, or have whoever runs the endpoint correct the certificate; spec.trust.tls does not " +
		"help against a wrong name"
	adviceDates = "compare the clocks, and have whoever runs the endpoint renew the certificate; spec.trust.tls does " +
		"not help against that"
	adviceAuthorityDates = "compare the clocks; a successor of that authority is for the endpoint to send, or for " +
		"spec.trust.tls if, and only if, its owner has published it"
	adviceRule = "have whoever runs the endpoint replace the certificate; spec.trust.tls does not help against that"

	adviceSystem    = "set spec.trust.tls to the authority of the endpoint, if it is not one of the system's"
	adviceAuthority = "put the authority of the endpoint into spec.trust.tls"
)

// remedy is what to do about a server that is not trusted; configured tells whether spec.trust.tls is set.
func remedy(untrusted *protocol.UntrustedServerError, configured bool) string {
	if _, otherName := errors.AsType[x509.HostnameError](untrusted); otherName {
		return adviceName
	}
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](untrusted)
	switch {
	case isInvalid && invalid.Reason == x509.Expired && invalid.Cert != nil && invalid.Cert.IsCA:
		return adviceAuthorityDates
	case isInvalid && invalid.Reason == x509.Expired:
		return adviceDates
	case isInvalid:
		return adviceRule
	case !configured:
		return adviceSystem
	default:
		return adviceAuthority
	}
}

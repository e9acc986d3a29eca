// Package issuer says whether an issuer can be used, and if not, what to change. It checks the spec against the rules
// of the certificate service, reads the bundles, completes a TLS handshake with the endpoint, and listens to what
// orders report: that the service is of another environment, or that its signatures do not verify. Nothing is sent.
//
// An issuer is checked when its spec changes, when an order reports a problem, every ten minutes, and every minute
// while it is not ready.
package issuer

// Package issuer says whether an issuer can be used, and if not, what to change. It checks the spec against the rules
// of the certificate service, reads the bundles, completes a TLS handshake with the endpoint, and listens to what
// orders report: that the service is of another environment, or that its signatures do not verify. Nothing is sent.
//
// An issuer is checked when its spec or an annotation changes, when an order reports a problem, and every ten minutes.
// While it is not ready it is checked more often, at first every minute. Handshakes keep no worker: see probing.
package issuer

// Package plan decides which order an approved CertificateRequest needs, and what becomes of the request meanwhile,
// as pure functions: callers gather a Snapshot and carry out the Action that Decide makes of it. NewOrder is the order
// that is to be created; its name is the promise never to pay twice. How it goes on then is the matter of package
// orderstate.
//
// Which operation a CertificateRequest needs:
//
//	current certificate   window   unspent credentials   action
//	none or unusable      –        yes                   SignNewCertificate
//	none or unusable      –        no                    wait for credentials
//	usable                open     –                     RenewCertificate
//	usable                closed   yes, and the          SignNewCertificate: somebody bought a new one on purpose
//	                               Certificate names
//	                               their Secret
//	usable                closed   no, or the issuer's   hold until the window opens
//	                               default
//	unproven              closed   no, or the issuer's   wait for credentials that the Certificate names
//	                               default
//
// An unproven certificate is one that does not chain to the issuer's trust, and has no other fault. It is unusable, but
// the mistake may be in the trust. A certificate whose renewal the service has refused (PKI015) is unusable; where a
// renewal has failed otherwise, credentials go before another try. Before the table comes what exists already: a
// certificate that was issued for the request's key is delivered, and an order for it that may have been accepted is
// followed, whatever else has changed.
package plan

// Package find finds objects from one another: the issuer that a CertificateRequest or VeroOrder names, the
// CertificateRequests that name an issuer or bear a key, and the VeroOrders with a label. It describes an issuer to
// those who decide, and tells which of its changes others wait for.
package find

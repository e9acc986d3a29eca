// Package lookup finds objects from one another: the issuer that a CertificateRequest or VeroOrder names, and the
// CertificateRequests that name an issuer or bear a key.
package lookup

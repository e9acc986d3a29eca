// Package owner is the security boundary of renewals: it says which Certificate stands behind a CertificateRequest, and
// with it whose private key may sign, and whether anybody holds the key that is to be certified. Everybody who may
// create a CertificateRequest may claim anything in it; what is said here is proven by objects that only cert-manager
// writes. It reads, uncached, and nothing that it reads outlives the call.
package owner

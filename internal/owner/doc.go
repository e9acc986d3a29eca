// Package owner is the security boundary of renewals: it says which Certificate stands behind a CertificateRequest, and
// with it whose private key may sign, and whether anybody holds the key that is to be certified. Everybody who may
// create a CertificateRequest may claim anything in it; what is said here is proven by objects that only cert-manager
// writes. It reads, uncached, and no key that it reads outlives the call; that a Certificate vouches for a request is
// believed for some seconds where Proofs keeps it.
package owner

package pki

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// IssuingInBoth returns the authorities that two sets share and that issue certificates of end entities themselves, so
// that what one of them has issued chains within both. Authorities are the same when name and key are, whoever
// certified them. An authority for which both sets hold authorities below it, as roots and policy authorities mostly
// are, issues only those; where one of the sets has none below it, it must issue itself, or it would be of no use
// there. The order is that of t.
func (t Trust) IssuingInBoth(other Trust) []*x509.Certificate {
	var shared []*x509.Certificate
	mine, others := t.all(), other.all()
	for _, authority := range mine {
		isSame := func(candidate *x509.Certificate) bool { return sameAuthority(authority, candidate) }
		if mayIssue(authority) && slices.ContainsFunc(others, isSame) && !slices.ContainsFunc(shared, isSame) &&
			(issuesIn(authority, mine) || issuesIn(authority, others)) {
			shared = append(shared, authority)
		}
	}
	return shared
}

// all is every certificate of the set, in the order of position.
func (t Trust) all() []*x509.Certificate {
	return slices.Concat(t.intermediates, t.anchors)
}

func sameAuthority(one, other *x509.Certificate) bool {
	return bytes.Equal(one.RawSubject, other.RawSubject) &&
		bytes.Equal(one.RawSubjectPublicKeyInfo, other.RawSubjectPublicKeyInfo)
}

// mayIssue reports whether a certificate may be an issuer at all, by the rules of x509.Certificate.CheckSignatureFrom:
// those of version 1, which very old roots are, say nothing about it.
func mayIssue(certificate *x509.Certificate) bool {
	if certificate.BasicConstraintsValid != certificate.IsCA || (certificate.Version == 3 && !certificate.IsCA) {
		return false
	}
	return certificate.KeyUsage == 0 || certificate.KeyUsage&x509.KeyUsageCertSign != 0
}

// issuesIn reports whether, as far as a set tells, an authority issues certificates of end entities: it does if no
// other authority of the set is below it, or may be (RFC 5280, 4.2.1.9).
func issuesIn(authority *x509.Certificate, set []*x509.Certificate) bool {
	if authority.MaxPathLenZero {
		return true
	}
	return !slices.ContainsFunc(set, func(candidate *x509.Certificate) bool {
		return mayIssue(candidate) && !sameAuthority(authority, candidate) && namesIssuer(candidate, authority)
	})
}

// namesIssuer reports whether a certificate says to come from an authority. No signature is checked: somebody who may
// configure 500 certificates with equal names would have 100,000 of them checked.
func namesIssuer(certificate, authority *x509.Certificate) bool {
	identifier, own := certificate.AuthorityKeyId, authority.SubjectKeyId
	return bytes.Equal(certificate.RawIssuer, authority.RawSubject) &&
		(len(identifier) == 0 || len(own) == 0 || bytes.Equal(identifier, own))
}

package delivery

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// find is the certificate with the key of the CSR, or says whose certificates came instead.
func find(came []*x509.Certificate, order Order) (*x509.Certificate, *RefusalError) {
	wanted, err := pki.PublicKeyDigest(order.Request.PublicKey)
	if err != nil {
		return nil, refuse(OtherKey, "the key of the CSR cannot be compared (%v): make a new CSR with an RSA key",
			pki.Bounded(err))
	}
	byKey := map[string]*x509.Certificate{}
	onlyAuthorities := true
	for _, certificate := range came {
		onlyAuthorities = onlyAuthorities && certificate.IsCA
		digest, err := pki.PublicKeyDigest(certificate.PublicKey)
		if err == nil && isBetter(certificate, byKey[digest]) {
			byKey[digest] = certificate
		}
	}
	if leaf := byKey[wanted]; leaf != nil {
		return leaf, nil
	}
	for _, earlier := range order.Earlier {
		if certificate := byKey[earlier.PublicKeyDigest]; certificate != nil {
			return nil, refuse(BelongsToEarlier, "the certificate %s belongs to the CSR of ManualOrder %s of %s, not to this "+
				"one: bring the certificate that was issued for the CSR of this order", describe(certificate),
				pki.Quote(earlier.Name), earlier.Date.UTC().Format("2 January 2006"))
		}
	}
	if onlyAuthorities {
		return nil, refuse(AuthorityOnly, "it is only the authority's certificate, %s: bring the one that was issued for "+
			"the CSR, too", describeAll(came))
	}
	return nil, refuse(OtherKey, "no certificate in it was issued for the key of the CSR, there is %s: bring the "+
		"certificate that was issued for the CSR of this order; if it was, the authority was sent another CSR",
		describeAll(came))
}

// isBetter reports whether a certificate counts before another one for the same key, which is nil for none: one of an
// authority is never what was ordered.
func isBetter(certificate, other *x509.Certificate) bool {
	if other == nil || certificate.IsCA != other.IsCA {
		return other == nil || other.IsCA
	}
	return other.NotAfter.Before(certificate.NotAfter)
}

// describe names a certificate as its owner and the authority find it.
func describe(certificate *x509.Certificate) string {
	const longest = 40 // hexadecimal digits: what RFC 5280 allows
	serial := pki.SerialNumber(certificate)
	serial = serial[:min(len(serial), longest)]
	return fmt.Sprintf("%s with the serial number %s", pki.QuoteName(certificate.Subject), serial)
}

func describeAll(certificates []*x509.Certificate) string {
	const most = 3
	described := texts(certificates[:min(len(certificates), most)], describe)
	if others := len(certificates) - most; others > 0 {
		described = append(described, fmt.Sprintf("%d more", others))
	}
	return strings.Join(described, " and ")
}

// testName is how authorities call their hierarchies for tests, as DVV TEST Root CA - G3 RSA.
var testName = regexp.MustCompile(`(?i)\btest(i|aus)?\b`)

// refuseChain says why no chain leads from the certificate to an anchor, and what it leads to instead.
func refuseChain(err error, leaf *x509.Certificate, links []*x509.Certificate) *RefusalError {
	var chainError *pki.ChainError
	if !errors.As(err, &chainError) {
		return refuse(InvalidChain, "%v", pki.Bounded(err))
	}
	if invalid, is := errors.AsType[x509.CertificateInvalidError](err); is &&
		invalid.Reason == x509.CANotAuthorizedForThisName {
		return refuse(InvalidChain, "%v: ask the authority for a certificate from an issuing authority that may certify the "+
			"name; or, where the name is not needed, remove it from the Certificate, and order anew", err)
	}
	switch chainError.Reason {
	case pki.ChainExpired, pki.ChainNotYetValid:
		reason := Expired
		if chainError.Reason == pki.ChainNotYetValid {
			reason = InvalidChain
		}
		return refuse(reason, "%v: bring the authority's present certificate with that for the CSR, or put it into "+
			"spec.intermediates of the issuer", err)
	case pki.ChainUnknownAuthority:
		return refuseAuthority(chainError, leaf, links)
	default:
		return refuse(InvalidChain, "%v: ask the authority for a certificate that chains to those in spec.trust of the "+
			"issuer", err)
	}
}

func refuseAuthority(err *pki.ChainError, leaf *x509.Certificate, links []*x509.Certificate) *RefusalError {
	top := topOf(leaf, links)
	isNamesake := func(link *x509.Certificate) bool { return slices.Equal(link.RawSubject, leaf.RawIssuer) }
	switch {
	case isWeak(top) && !pki.SelfIssued(top):
		return refuse(InvalidChain, "the certificate %s is signed with %s, which can be forged: ask the authority for one "+
			"that is signed with SHA-256 or better", describe(top), top.SignatureAlgorithm)
	case testName.MatchString(top.Issuer.CommonName):
		return refuse(TestHierarchy, "the certificate for the CSR is of the test hierarchy: it leads to %s, which "+
			"spec.trust of the issuer does not hold; order one from the production hierarchy, or use an issuer that "+
			"trusts the test one", pki.DescribeIssuer(top))
	case top != leaf:
		return refuse(UnknownAuthority, "the certificate for the CSR leads to %s, which spec.trust of the issuer does not "+
			"hold: if that is the right authority, put its certificate there, else order from the one that is trusted",
			pki.DescribeIssuer(top))
	case slices.ContainsFunc(links, isNamesake):
		return refuse(UnknownAuthority, "the certificate for the CSR was issued by %s, and not by the authority of that "+
			"name which is at hand: the key is another one, as that of a test hierarchy; bring the certificate of "+
			"its issuer, too", pki.DescribeIssuer(leaf))
	default:
		return refuse(UnknownAuthority, "%v: bring the certificate of %s with it, or put that into spec.intermediates of "+
			"the issuer", err, pki.DescribeIssuer(leaf))
	}
}

// isWeak reports whether a certificate is signed with what crypto/x509 does not check, because others can forge it.
func isWeak(certificate *x509.Certificate) bool {
	switch certificate.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	default:
		return false
	}
}

// topOf follows the issuers of a certificate as far as they are at hand.
func topOf(leaf *x509.Certificate, links []*x509.Certificate) *x509.Certificate {
	const longest = 10 // more than any hierarchy has; it also ends cycles
	top := leaf
	for range longest {
		index := slices.IndexFunc(links, func(link *x509.Certificate) bool {
			return slices.Equal(link.RawSubject, top.RawIssuer) && top.CheckSignatureFrom(link) == nil
		})
		if index < 0 || pki.SelfIssued(top) {
			return top
		}
		top = links[index]
	}
	return top
}

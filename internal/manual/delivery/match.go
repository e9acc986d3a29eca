package delivery

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Order is what was ordered from an authority.
type Order struct {
	// Request is the CSR that the authority was sent. Its key is what the certificate is found by.
	Request *x509.CertificateRequest
	// LiteralSubject says that the Certificate has spec.literalSubject: cert-manager then compares with a common name
	// that is empty, whatever the CSR has.
	LiteralSubject bool
	// KeyUsage and ExtKeyUsages are those of spec.usages of the request.
	KeyUsage     x509.KeyUsage
	ExtKeyUsages []x509.ExtKeyUsage
	// Trust holds the anchors that a chain has to lead to.
	Trust pki.Trust
	// Intermediates may stand in a chain beside those that came with the certificate.
	Intermediates []*x509.Certificate
	// Earlier are the orders whose certificate may be taken for this one's.
	Earlier []EarlierOrder
	// Replaces is pki.SerialNumber of the certificate in use, which the ordered one is to replace, and ReplacesUntil its
	// end; empty if there is none. With the same key it can be taken for the ordered one. Another authority may issue
	// another one with the same number.
	Replaces      string
	ReplacesUntil time.Time
	// Policy says what the authority may change.
	Policy Policy
}

// EarlierOrder is an order for another key.
type EarlierOrder struct {
	// PublicKeyDigest is pki.PublicKeyDigest of its key.
	PublicKeyDigest string
	// Name is that of the ManualOrder.
	Name string
	// Date is when it was made.
	Date time.Time
}

// Policy says which of the requested fields the authority must keep, beside the names that cert-manager compares.
type Policy struct {
	// Keep are names of fields, such as Organizations.
	Keep []string
}

// Issued is a certificate that can be used as it was ordered.
type Issued struct {
	// Leaf is the certificate for the CSR.
	Leaf *x509.Certificate
	// Chain is Leaf first and an anchor last, as pki.EncodeChain takes it.
	Chain []*x509.Certificate
	// Changes are what the authority has changed, in the order of the fields.
	Changes []Change
	// ValidFrom is when the certificate begins to be valid, zero if it is already.
	ValidFrom time.Time
}

// Match finds the certificate that was ordered among those that came, in any order, and checks it as of now. One that
// is not valid yet is checked as of its beginning, and is no error. Of several for the same key the one that ends last
// counts, and none of an authority. Errors are of type *RefusalError.
func Match(came []*x509.Certificate, order Order, now time.Time) (Issued, error) {
	leaf, refusal := find(came, order)
	if refusal != nil {
		return Issued{}, refusal
	}
	issued := Issued{Leaf: leaf, Changes: changes(order.Request, leaf)}
	at := now
	if leaf.NotBefore.After(now) {
		issued.ValidFrom, at = leaf.NotBefore, leaf.NotBefore
	}
	if refusal := checkLeaf(leaf, order, now); refusal != nil {
		return Issued{}, refusal
	}
	links := slices.Concat(order.Intermediates, came)
	chain, err := order.Trust.WithIntermediates(links).Chain(leaf, at)
	if err != nil {
		return Issued{}, refuseChain(err, leaf, links)
	}
	if refusal := checkNames(issued, order); refusal != nil {
		return Issued{}, refusal
	}
	issued.Chain = chain
	return issued, nil
}

// maximumLeafPEM is what cert-manager 1.21 reads of a leaf in PEM, in bytes (internal/pem, maxLeafCertificatePEMSize).
const maximumLeafPEM = 36500

// checkLeaf looks at what the certificate says of itself, but for names.
func checkLeaf(leaf *x509.Certificate, order Order, now time.Time) *RefusalError {
	text, _ := pki.EncodeChain([]*x509.Certificate{leaf})
	switch {
	case leaf.IsCA:
		return refuse(IsAuthority, "the certificate for the CSR, %s, is one of an authority (CA: TRUE), and could issue "+
			"others: ask the authority for an end entity certificate", describe(leaf))
	case now.After(leaf.NotAfter):
		return refuse(Expired, "the certificate for the CSR, %s, expired on %s: if the authority has sent another one, "+
			"bring that, else order anew", describe(leaf), date(leaf.NotAfter))
	case pki.SerialNumber(leaf) == order.Replaces && leaf.NotAfter.Equal(order.ReplacesUntil):
		return refuse(InUse, "the certificate %s is the one in use, which this order is to replace: bring the one that was "+
			"issued for this order", describe(leaf))
	case len(text) > maximumLeafPEM:
		return refuse(TooLarge, "the certificate for the CSR has %d bytes as PEM, and cert-manager reads %d: ask the "+
			"authority for one with fewer names", len(text), maximumLeafPEM)
	}
	if missing := missingUsages(leaf, order); len(missing) > 0 {
		return refuse(UsageMissing, "the certificate for the CSR is not for %s, which was requested: ask the authority for "+
			"one that is; or, where that is not needed, remove it from spec.usages of the Certificate, and it is taken",
			quoteAll(missing))
	}
	return nil
}

// checkNames refuses what cert-manager would order again for, and what the policy wants kept.
func checkNames(issued Issued, order Order) *RefusalError {
	requested, named := requestedNames(order.Request), issuedNames(issued.Leaf)
	if order.LiteralSubject {
		requested.commonName = ""
	}
	if again := reordering(requested, named); len(again) > 0 {
		return refuseNames(again, order.LiteralSubject, named.isEmpty())
	}
	kept := slices.DeleteFunc(slices.Clone(issued.Changes), func(change Change) bool {
		return !slices.Contains(order.Policy.Keep, change.Field)
	})
	if len(kept) > 0 {
		return refuseChanges(SubjectDiffers, kept, "the authority has changed what the issuer's policy wants kept: %s; ask "+
			"it for a certificate as requested; or write that into the Certificate, or take the field out of "+
			"spec.keepSubject of the issuer")
	}
	return nil
}

func refuseNames(again []Change, literalSubject, nothing bool) *RefusalError {
	const compares = "the certificate's names differ from those of the Certificate, and cert-manager, which compares " +
		"them, would order again: %s; "
	switch {
	case nothing:
		return refuseChanges(NamesDiffer, again, compares+"a Certificate cannot ask for no name at all: ask the authority "+
			"for a certificate with the names of the CSR")
	case literalSubject && again[0].Field == CommonName:
		return refuseChanges(NamesDiffer, again, compares+"it does not find the common name in spec.literalSubject: write "+
			"spec.commonName and spec.subject of the Certificate in its place, and the certificate is taken")
	default:
		return refuseChanges(NamesDiffer, again, compares+"change the Certificate so, and the certificate is taken, or ask "+
			"the authority for one with the names of the CSR")
	}
}

// refuseChanges puts the changes into the format's only place.
func refuseChanges(reason Reason, changes []Change, format string) *RefusalError {
	refusal := refuse(reason, format, strings.Join(texts(changes, Change.String), "; "))
	refusal.Changes = changes
	return refusal
}

func date(moment time.Time) string { return moment.UTC().Format("2 January 2006 15:04 UTC") }

package delivery

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Fields of cert-manager's Certificate that a Change names, and Policy.Keep.
const (
	CommonName          = "spec.commonName"
	DNSNames            = "spec.dnsNames"
	IPAddresses         = "spec.ipAddresses"
	URIs                = "spec.uris"
	EmailAddresses      = "spec.emailAddresses"
	Organizations       = "spec.subject.organizations"
	OrganizationalUnits = "spec.subject.organizationalUnits"
	Countries           = "spec.subject.countries"
	Localities          = "spec.subject.localities"
	Provinces           = "spec.subject.provinces"
	StreetAddresses     = "spec.subject.streetAddresses"
	PostalCodes         = "spec.subject.postalCodes"
	SerialNumber        = "spec.subject.serialNumber"
	// OtherNames are those and the alternative names of other forms that cert-manager has no field for.
	OtherNames = "spec.otherNames"
	// OtherAttributes are those of the subject that cert-manager has no field for.
	OtherAttributes = "spec.literalSubject"
)

// Change is a field that has another value in the certificate than in the CSR.
type Change struct {
	// Field is that of cert-manager's Certificate.
	Field string
	// Old is what was requested, and New what was issued; none, one or several values in their order.
	Old, New []string
}

// String is the change for people, cut where it is long.
func (c Change) String() string {
	return fmt.Sprintf("%s: %s → %s", c.Field, quoteAll(c.Old), quoteAll(c.New))
}

func quoteAll(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return pki.Quote(strings.Join(values, ", "))
}

// names are those that cert-manager compares, as the CSR and the certificate have them.
type names struct {
	commonName                                  string
	dnsNames, ipAddresses, uris, emailAddresses []string
}

func requestedNames(request *x509.CertificateRequest) names {
	return names{
		request.Subject.CommonName, request.DNSNames, texts(request.IPAddresses, net.IP.String),
		texts(request.URIs, (*url.URL).String), request.EmailAddresses,
	}
}

func issuedNames(leaf *x509.Certificate) names {
	return names{
		leaf.Subject.CommonName, leaf.DNSNames, texts(leaf.IPAddresses, net.IP.String),
		texts(leaf.URIs, (*url.URL).String), leaf.EmailAddresses,
	}
}

func texts[T any](values []T, text func(T) string) []string {
	written := make([]string, 0, len(values))
	for _, value := range values {
		written = append(written, text(value))
	}
	return written
}

// reordering are the changes for which cert-manager 1.21 orders again once the request is gone. It compares
// (FuzzyX509AltNamesMatchSpec) common name and DNS names as one set, because authorities move names between them, and
// the others each as they are, in any order. Where the set differs, both fields have to become what was issued.
func reordering(requested, issued names) []Change {
	var changes []Change
	if !maps.Equal(requested.hosts(), issued.hosts()) {
		changes = append(changes, difference(CommonName, one(requested.commonName), one(issued.commonName))...)
		changes = append(changes, difference(DNSNames, requested.dnsNames, issued.dnsNames)...)
	}
	return append(changes, requested.otherChanges(issued)...)
}

// hosts are common name and DNS names without their order.
func (n names) hosts() map[string]bool {
	hosts := make(map[string]bool, len(n.dnsNames)+1)
	for _, name := range slices.Concat(n.dnsNames, one(n.commonName)) {
		hosts[name] = true
	}
	return hosts
}

func (n names) otherChanges(issued names) []Change {
	return slices.Concat(
		difference(IPAddresses, n.ipAddresses, issued.ipAddresses),
		difference(URIs, n.uris, issued.uris),
		difference(EmailAddresses, n.emailAddresses, issued.emailAddresses),
	)
}

// isEmpty reports whether there is nothing that a Certificate could ask for.
func (n names) isEmpty() bool {
	return n.commonName == "" && len(n.dnsNames)+len(n.ipAddresses)+len(n.uris)+len(n.emailAddresses) == 0
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// difference is the change of a field, if there is one: the order of values is none.
func difference(field string, old, issued []string) []Change {
	if slices.Equal(slices.Sorted(slices.Values(old)), slices.Sorted(slices.Values(issued))) {
		return nil
	}
	return []Change{{Field: field, Old: old, New: issued}}
}

// changes are all differences between what was requested and what was issued.
func changes(request *x509.CertificateRequest, leaf *x509.Certificate) []Change {
	requested, issued := requestedNames(request), issuedNames(leaf)
	all := difference(CommonName, one(requested.commonName), one(issued.commonName))
	all = append(all, difference(DNSNames, requested.dnsNames, issued.dnsNames)...)
	all = append(all, requested.otherChanges(issued)...)
	// cert-manager compares them with the CSR, and not with the certificate: no order is made again for them.
	all = append(all, difference(
		OtherNames, pki.WriteOtherNames(request.Extensions), pki.WriteOtherNames(leaf.Extensions))...)
	return append(all, subjectChanges(request.Subject, leaf.Subject)...)
}

func subjectChanges(requested, issued pkix.Name) []Change {
	return slices.Concat(
		difference(Organizations, requested.Organization, issued.Organization),
		difference(OrganizationalUnits, requested.OrganizationalUnit, issued.OrganizationalUnit),
		difference(Countries, requested.Country, issued.Country),
		difference(Localities, requested.Locality, issued.Locality),
		difference(Provinces, requested.Province, issued.Province),
		difference(StreetAddresses, requested.StreetAddress, issued.StreetAddress),
		difference(PostalCodes, requested.PostalCode, issued.PostalCode),
		difference(SerialNumber, one(requested.SerialNumber), one(issued.SerialNumber)),
		difference(OtherAttributes, otherAttributes(requested), otherAttributes(issued)),
	)
}

// otherAttributes are those that pkix.Name has no field for, as OID=value. It has fields for those of X.520 (2.5.4)
// with these last arcs.
func otherAttributes(name pkix.Name) []string {
	var others []string
	withField := []int{3, 5, 6, 7, 8, 9, 10, 11, 17}
	for _, attribute := range name.Names {
		oid := attribute.Type
		if len(oid) == 4 && oid[0] == 2 && oid[1] == 5 && oid[2] == 4 && slices.Contains(withField, oid[3]) {
			continue
		}
		others = append(others, fmt.Sprintf("%s=%v", oid, attribute.Value))
	}
	return others
}

package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
)

// nameForm says how one form of a GeneralName (RFC 5280 section 4.2.1.6) is called and where a Certificate asks for it.
type nameForm struct {
	name  string
	field string
}

// nameForms are indexed by the GeneralName's tag. Those that cert-manager cannot ask for still occur in requests that
// were made by hand.
var nameForms = [...]nameForm{
	{"other name", "spec.otherNames"},
	{"e-mail address", "spec.emailAddresses"},
	{"DNS name", "spec.dnsNames"},
	{"X.400 address", fieldRequest},
	{"directory name", fieldRequest},
	{"EDI party name", fieldRequest},
	{"URI", "spec.uris"},
	{"IP address", "spec.ipAddresses"},
	{"registered id", fieldRequest},
}

// checkAlternativeNames refuses every subject alternative name. It reads the extension itself: crypto/x509 passes
// silently over the forms that it has no field for.
func checkAlternativeNames(csr *x509.CertificateRequest) []Violation {
	var violations []Violation
	for _, extension := range csr.Extensions {
		if !extension.Id.Equal(oidSubjectAltName) {
			continue
		}
		counts, readable := countNameForms(extension.Value)
		if !readable {
			violations = append(violations, Violation{
				Field:   fieldRequest,
				Problem: "the request asks for subject alternative names that cannot be read",
				Remedy:  "make a new request without subject alternative names",
			})
		}
		for tag, form := range nameForms {
			if counts[tag] > 0 {
				violations = append(violations, alternativeNameViolation(csr, form, counts[tag]))
			}
		}
	}
	return violations
}

// countNameForms counts the names of every form. It reports false when the extension is no sequence of names, holds a
// form that does not exist, or is empty.
func countNameForms(extension []byte) (counts [len(nameForms)]int, readable bool) {
	var names []asn1.RawValue
	rest, err := asn1.Unmarshal(extension, &names)
	if err != nil || len(rest) > 0 || len(names) == 0 {
		return counts, false
	}
	readable = true
	for _, name := range names {
		if name.Class != asn1.ClassContextSpecific || name.Tag >= len(counts) {
			readable = false
			continue
		}
		counts[name.Tag]++
	}
	return counts, readable
}

func alternativeNameViolation(csr *x509.CertificateRequest, form nameForm, count int) Violation {
	var values []string
	switch form.field {
	case "spec.dnsNames":
		values = csr.DNSNames
	case "spec.emailAddresses":
		values = csr.EmailAddresses
	case "spec.ipAddresses":
		for _, address := range csr.IPAddresses {
			values = append(values, address.String())
		}
	case "spec.uris":
		for _, uri := range csr.URIs {
			values = append(values, uri.String())
		}
	}
	what := fmt.Sprintf("%d × %s", count, form.name)
	if len(values) > 0 {
		what += " (" + Quote(strings.Join(values, ", ")) + ")"
	}
	remedy := "make a new request without subject alternative names"
	if form.field != fieldRequest {
		remedy = "remove " + form.field + " from the Certificate, the service's certificates carry a common name only"
	}
	return Violation{
		Field:   form.field,
		Problem: "the request asks for " + what + ", but the service certifies no subject alternative names",
		Remedy:  remedy,
	}
}

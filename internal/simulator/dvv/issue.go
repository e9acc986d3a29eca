package dvv

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

// day is how long an expired certificate has been valid, and how long it has not been.
const day = 24 * time.Hour

// readRequest reads the CSR that was uploaded: one request in PEM, signed by its own key, which is RSA of 2048 or 4096
// bits.
func readRequest(text string) (*x509.CertificateRequest, *rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, nil, FormError("the csr is not a certificate request in PEM")
	}
	key, err := authority.ParseRequest(block.Bytes)
	if err != nil {
		return nil, nil, FormError(err.Error())
	}
	if bits := key.N.BitLen(); bits != 2048 && bits != 4096 {
		return nil, nil, FormError(fmt.Sprintf("the RSA key of the certificate request has %d bits; 2048 and 4096 are taken",
			bits))
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, nil, FormError(err.Error())
	}
	return request, key, nil
}

// issue makes the certificate: subject and names are those of the request, unless the application says otherwise.
func (a *application) issue(
	request *x509.CertificateRequest, key *rsa.PublicKey, validity time.Duration,
) (*x509.Certificate, error) {
	subject, err := a.subject(request)
	if err != nil {
		return nil, err
	}
	start, end := a.period(validity)
	return a.issuer.Sign(&x509.Certificate{
		RawSubject:            subject,
		NotBefore:             start,
		NotAfter:              end,
		DNSNames:              request.DNSNames,
		EmailAddresses:        request.EmailAddresses,
		IPAddresses:           request.IPAddresses,
		URIs:                  request.URIs,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		CRLDistributionPoints: a.distributionPoints,
	}, key)
}

// period is the validity of the certificate. It never begins before the certificate is issued, unless it has expired
// by then.
func (a *application) period(validity time.Duration) (start, end time.Time) {
	issued := a.dueAt.Truncate(time.Second)
	if a.asked.Expired {
		return issued.Add(-2 * day), issued.Add(-day)
	}
	start = issued
	// Validate has read the date.
	if wanted, err := time.Parse(time.DateOnly, a.asked.ValidFrom); err == nil && wanted.After(start) {
		start = wanted
	}
	start = start.Add(time.Duration(a.asked.Postponed))
	return start, start.Add(validity)
}

// The attributes of a subject that the authority changes.
var (
	organization       = asn1.ObjectIdentifier{2, 5, 4, 10}
	organizationalUnit = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// subject is the one of the request: byte by byte, unless something in it is changed.
func (a *application) subject(request *x509.CertificateRequest) ([]byte, error) {
	if a.asked.IssuedOrganization == "" && !a.asked.DropOrganizationalUnit {
		return request.RawSubject, nil
	}
	var asked, issued pkix.RDNSequence
	if _, err := asn1.Unmarshal(request.RawSubject, &asked); err != nil {
		return nil, FormError("the subject of the certificate request cannot be read: " + err.Error())
	}
	for _, attributes := range asked {
		var kept pkix.RelativeDistinguishedNameSET
		for _, attribute := range attributes {
			switch {
			case attribute.Type.Equal(organizationalUnit) && a.asked.DropOrganizationalUnit:
				continue
			case attribute.Type.Equal(organization) && a.asked.IssuedOrganization != "":
				attribute.Value = a.asked.IssuedOrganization
			}
			kept = append(kept, attribute)
		}
		if len(kept) > 0 {
			issued = append(issued, kept)
		}
	}
	return asn1.Marshal(issued)
}

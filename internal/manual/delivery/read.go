package delivery

import (
	"bytes"
	"crypto/x509"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

const (
	// MaximumBytes bounds what is read: 20 certificates of 8,192-bit keys take about 80 kB, but nobody has so many of
	// these; a mail with a chain has less than 20 kB.
	MaximumBytes = 64 << 10
	// MaximumCertificates leaves room for the chains of a few hierarchies beside the leaf.
	MaximumCertificates = 20
)

// Read takes the certificates out of what a person brought back, in the order in which they stand there, without
// duplicates, and at least one. It takes DER, several one behind the other, PKCS#7 in DER and BER; and text in UTF-8 or
// UTF-16, in which PEM stands anywhere, or base64 without armor, also as mail programs leave it: quoted replies, HTML,
// quoted-printable, MIME. At most 64 KiB and 20 certificates with keys of up to 8,192 bits. Requests, CRLs and public
// keys beside certificates are passed over. It takes time in proportion to the length of data. Errors are of type
// *RefusalError.
func Read(data []byte) ([]*x509.Certificate, error) {
	if len(data) > MaximumBytes {
		return nil, refuse(TooLarge, "it has more than the %d bytes that are accepted: bring the certificate and its chain "+
			"alone", MaximumBytes)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, refuseKind(Empty)
	}
	if kind := kindOfFile(data); kind != "" {
		return nil, refuseKind(kind)
	}
	c := &collector{seen: map[string]bool{}}
	var err error
	if isBinary(data) {
		err = c.addBinary(data)
	} else {
		err = c.addText(data)
	}
	if err != nil {
		return nil, err
	}
	if page.Match(data) {
		c.note(Document)
	}
	return c.result()
}

// collector gathers what is in the parts of a text.
type collector struct {
	certificates []*x509.Certificate
	seen         map[string]bool
	// objects counts what was decoded.
	objects int
	// beside is the kind of the first thing that is no certificate.
	beside Reason
}

func (c *collector) result() ([]*x509.Certificate, error) {
	switch {
	case len(c.certificates) > 0:
		return c.certificates, nil
	case c.beside != "":
		return nil, refuseKind(c.beside)
	default:
		return nil, refuseKind(NoCertificate)
	}
}

// note remembers something that is no certificate, in case that there are none.
func (c *collector) note(kind Reason) {
	if c.beside == "" {
		c.beside = kind
	}
}

func (c *collector) add(certificates ...*x509.Certificate) error {
	for _, certificate := range certificates {
		if c.seen[string(certificate.Raw)] {
			continue
		}
		c.seen[string(certificate.Raw)] = true
		if len(c.certificates) == MaximumCertificates {
			return refuse(TooMany, "it holds more certificates than the %d that are accepted: bring the one that was issued "+
				"for the CSR, and its chain alone", MaximumCertificates)
		}
		if bits := pki.KeyBits(certificate); bits > pki.MaximumKeyBits {
			return refuse(LongKey, "the certificate %s has an RSA key of %d bits, more than the %d that are accepted: bring "+
				"the others without it", pki.QuoteName(certificate.Subject), bits, pki.MaximumKeyBits)
		}
		c.certificates = append(c.certificates, certificate)
	}
	return nil
}

// Beginnings of files that hold no certificate that could be read.
var files = []struct {
	beginning string
	kind      Reason
}{
	{"PK\x03\x04", Archive}, {"PK\x05\x06", Archive}, {"\x1F\x8B", Archive}, {"7z\xBC\xAF\x27\x1C", Archive},
	{"Rar!\x1A\x07", Archive}, {"BZh", Archive}, {"\xFD7zXZ\x00", Archive}, {"%PDF-", Document},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Document}, // compound files of Microsoft: mails and documents
	{"openssh-key-v1\x00", PrivateKey},
	{"\x1E\xF1\xB5\xB0", PrivateKey}, // files .pvk
	{"\xFE\xED\xFE\xED", Keystore}, {"\xCE\xCE\xCE\xCE", Keystore},
}

func kindOfFile(data []byte) Reason {
	for _, file := range files {
		if bytes.HasPrefix(data, []byte(file.beginning)) {
			return file.kind
		}
	}
	return ""
}

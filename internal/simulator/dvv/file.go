package dvv

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// contents is what a file can be made of.
type contents struct {
	leaf, issuing, root *x509.Certificate
	// request is the CSR in DER, key its key.
	request []byte
	key     *rsa.PublicKey
}

// form is how a file is written.
type form struct {
	name  string
	write func(contents) ([]byte, error)
}

// forms has an entry for every kind of file; a test compares it with admin.MailedFiles.
var forms = map[admin.MailedFile]form{
	admin.FilePEM:           {"certificate.pem", justLeaf},
	admin.FileDER:           {"certificate.cer", always(func(c contents) []byte { return c.leaf.Raw })},
	admin.FileLeafLast:      {"bundle.pem", always(func(c contents) []byte { return encode(c.root, c.issuing, c.leaf) })},
	admin.FileBagAttributes: {"bundle.pem", always(bagAttributes)},
	admin.FilePKCS7PEM:      {"certificate.p7b", pkcs7PEM},
	admin.FilePKCS7DER:      {"certificate.p7b", pkcs7},
	admin.FileBase64:        {"certificate.txt", always(func(c contents) []byte { return bare(c.leaf.Raw) })},
	admin.FileBOM:           {"certificate.pem", always(asWindows)},
	admin.FileHTML:          {"mail.html", always(asHTML)},
	admin.FilePrivateKey:    {"certificate.pem", withPrivateKey},
	admin.FileEncrypted:     {"smime.p7m", encrypted},
	admin.FilePKCS12:        {"certificate.p12", pkcs12},
	admin.FileZIP:           {"certificate.zip", zipped},
	admin.FileCSR:           {"request.csr", always(sentBack)},
	admin.FileCA:            {"certificate.pem", always(func(c contents) []byte { return encode(c.issuing) })},
	admin.FileEarlierCSR:    {"certificate.pem", justLeaf},
	admin.FileAnotherKey:    {"certificate.pem", justLeaf},
}

// write makes the file of a kind; empty means FilePEM.
func write(kind admin.MailedFile, c contents) (admin.Mail, error) {
	chosen := forms[cmp.Or(kind, admin.FilePEM)]
	content, err := chosen.write(c)
	return admin.Mail{FileName: chosen.name, Content: content}, err
}

// always makes a form of what cannot fail.
func always(write func(contents) []byte) func(contents) ([]byte, error) {
	return func(c contents) ([]byte, error) { return write(c), nil }
}

func justLeaf(c contents) ([]byte, error) { return encode(c.leaf), nil }

func sentBack(c contents) []byte { return block("CERTIFICATE REQUEST", c.request) }

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func encode(certificates ...*x509.Certificate) []byte {
	bundle := make([]byte, 0, 2048*len(certificates))
	for _, certificate := range certificates {
		bundle = append(bundle, block("CERTIFICATE", certificate.Raw)...)
	}
	return bundle
}

// bagAttributes writes what openssl pkcs12 -nokeys does.
func bagAttributes(c contents) []byte {
	var text bytes.Buffer
	for index, certificate := range []*x509.Certificate{c.leaf, c.issuing} {
		_, _ = fmt.Fprintf(&text, "Bag Attributes\n    localKeyID: %02X 00 00 00 \n", index+1)
		_, _ = fmt.Fprintf(&text, "subject=%s\n\nissuer=%s\n\n", certificate.Subject, certificate.Issuer)
		_, _ = text.Write(encode(certificate))
	}
	return text.Bytes()
}

// lineLength is how long a line of base64 is in mail (RFC 2045).
const lineLength = 76

// bare is base64 in lines, without armor.
func bare(der []byte) []byte {
	text := []byte(base64.StdEncoding.EncodeToString(der))
	var lines []byte
	for len(text) > lineLength {
		lines, text = append(append(lines, text[:lineLength]...), '\n'), text[lineLength:]
	}
	return append(append(lines, text...), '\n')
}

// asWindows is what an editor leaves that marks UTF-8 and ends lines with CRLF.
func asWindows(c contents) []byte {
	return append([]byte("\ufeff"), bytes.ReplaceAll(encode(c.leaf), []byte("\n"), []byte("\r\n"))...)
}

// asHTML is the source of a mail into which somebody has pasted the PEM.
func asHTML(c contents) []byte {
	pasted := strings.NewReplacer("\n", "<br>\n", " ", "&nbsp;", "+", "&#43;").Replace(string(encode(c.leaf)))
	return []byte("<html><head><meta charset=\"utf-8\"></head><body>\n<p>Hei,</p>\n" +
		"<p>Varmenteenne on my&ouml;nnetty. Your certificate:</p>\n<p>" + pasted + "</p>\n</body></html>\n")
}

// withPrivateKey adds a private key that was made for the purpose: the one of the request never leaves the cluster.
func withPrivateKey(c contents) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(append(encode(c.leaf), block("PRIVATE KEY", der)...), encode(c.issuing)...), nil
}

func zipped(c contents) ([]byte, error) {
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	entry, err := writer.Create("certificate.pem")
	if err != nil {
		return nil, err
	}
	if _, err := entry.Write(encode(c.leaf)); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

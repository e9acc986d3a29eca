package admin

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// MailedFile is what a certificate comes as, or what comes in its place.
type MailedFile string

// The files: first those that hold the certificate, then those that do not.
const (
	// FilePEM is the certificate alone in PEM, as DVV mails it; the default.
	FilePEM MailedFile = "pem"
	// FileDER is the certificate in DER, as DVV mails it too, in a .cer.
	FileDER MailedFile = "der"
	// FileLeafLast is a bundle in PEM in the wrong order: root, issuing CA, certificate.
	FileLeafLast MailedFile = "leaf-last"
	// FileBagAttributes is a bundle in PEM with text around each certificate, as openssl pkcs12 writes it.
	FileBagAttributes MailedFile = "bag-attributes"
	// FilePKCS7PEM is PKCS#7 with the chain, in PEM.
	FilePKCS7PEM MailedFile = "pkcs7-pem"
	// FilePKCS7DER is PKCS#7 with the chain, in DER.
	FilePKCS7DER MailedFile = "pkcs7-der"
	// FileBase64 is the certificate in base64 without BEGIN and END.
	FileBase64 MailedFile = "base64"
	// FileBOM is PEM with a byte order mark in front and CRLF at the ends of lines.
	FileBOM MailedFile = "bom-crlf"
	// FileHTML is PEM as it is left in the HTML of a mail.
	FileHTML MailedFile = "html"
	// FilePrivateKey is PEM with a private key behind the certificate.
	FilePrivateKey MailedFile = "private-key"
	// FileEncrypted is the PEM in an encrypted message (CMS), which opens with the private key of the CSR.
	FileEncrypted MailedFile = "encrypted"
	// FilePKCS12 is PKCS#12 with the chain; it opens with PKCS12Password.
	FilePKCS12 MailedFile = "pkcs12"
	// FileZIP is the PEM in a ZIP archive.
	FileZIP MailedFile = "zip"
	// FileCSR is the CSR itself, sent back.
	FileCSR MailedFile = "csr"
	// FileCA is the certificate of the issuing CA.
	FileCA MailedFile = "ca"
	// FileEarlierCSR is a certificate for the CSR of the organization's application before this one.
	FileEarlierCSR MailedFile = "earlier-csr"
	// FileAnotherKey is a certificate for a key that nobody has asked for.
	FileAnotherKey MailedFile = "another-key"
)

// PKCS12Password opens FilePKCS12.
const PKCS12Password = "leimapalvelu"

// MailedFiles lists every file.
func MailedFiles() []MailedFile {
	return []MailedFile{FilePEM, FileDER, FileLeafLast, FileBagAttributes, FilePKCS7PEM, FilePKCS7DER, FileBase64,
		FileBOM, FileHTML, FilePrivateKey, FileEncrypted, FilePKCS12, FileZIP, FileCSR, FileCA, FileEarlierCSR,
		FileAnotherKey}
}

// Application is an application for an interface certificate of DVV's stamping service: the body of
// POST /dvv/applications. Its first fields are those of the form (seed 000, 3.1), the others say what goes wrong; by
// default nothing does.
type Application struct {
	// Applicant is the person who applies, Organization the one that the account belongs to.
	Applicant    string `json:"applicant"`
	Organization string `json:"organization"`
	// TechnicalContact is the address that the certificate is mailed to.
	TechnicalContact string `json:"technicalContact"`
	// CSR is the certificate request in PEM; what the certificate says is read from it.
	CSR string `json:"csr"`
	// ValidFrom is the date, as 2006-01-02 and in UTC, from which the certificate is to be valid. One that has passed
	// when the certificate is issued means the time of issue.
	ValidFrom string `json:"validFrom"`

	// Delay is how long it takes until the certificate is mailed; 0 means the simulator's --mail-delay.
	Delay Duration `json:"delay,omitempty"`
	// File is what is mailed; empty means FilePEM.
	File MailedFile `json:"file,omitempty"`
	// IssuedOrganization, when not empty, replaces the organization of the CSR in the certificate.
	IssuedOrganization string `json:"issuedOrganization,omitempty"`
	// DropOrganizationalUnit leaves the OU of the CSR out of the certificate.
	DropOrganizationalUnit bool `json:"dropOrganizationalUnit,omitempty"`
	// Postponed is how much later than asked the certificate begins, such as 336h.
	Postponed Duration `json:"postponed,omitempty"`
	// Expired ends the certificate a day before it is mailed.
	Expired bool `json:"expired,omitempty"`
	// TestHierarchy lets the authority that DVV tests with issue the certificate.
	TestHierarchy bool `json:"testHierarchy,omitempty"`
	// Revoked puts the certificate on the CRL when it is mailed.
	Revoked bool `json:"revoked,omitempty"`
}

// maximumDelay is the longest delay or postponement: an application that stays incomplete expires after six months.
const maximumDelay = Duration(183 * 24 * time.Hour)

// Validate says what keeps the form from being sent: a section that is not complete, or an option that makes no sense.
// It does not look into the CSR.
func (a Application) Validate() error {
	for _, section := range []struct{ name, value string }{
		{"applicant", a.Applicant}, {"organization", a.Organization}, {"technicalContact", a.TechnicalContact},
		{"csr", a.CSR},
	} {
		if section.value == "" {
			return fmt.Errorf("the application cannot be sent: %s is missing", section.name)
		}
	}
	if _, err := time.Parse(time.DateOnly, a.ValidFrom); err != nil {
		return fmt.Errorf("the application cannot be sent: validFrom is not a date such as 2026-12-01: %w", err)
	}
	if min(a.Delay, a.Postponed) < 0 || max(a.Delay, a.Postponed) > maximumDelay {
		return errors.New("delay and postponed of an application are from 0 to six months")
	}
	if a.File != "" && !slices.Contains(MailedFiles(), a.File) {
		return fmt.Errorf("file %q is unknown; the files are %v", a.File, MailedFiles())
	}
	if a.Expired && a.Postponed > 0 {
		return errors.New("a certificate cannot be both expired and postponed")
	}
	return nil
}

// ApplicationState is what the e-service shows of an application: the response to POST /dvv/applications, and an
// element of GET /dvv/applications.
type ApplicationState struct {
	// Reference is the number of the application.
	Reference    string    `json:"reference"`
	Applicant    string    `json:"applicant"`
	Organization string    `json:"organization"`
	AppliedAt    time.Time `json:"appliedAt"`
	// DueAt is when the certificate is mailed; Mailed is true from then on.
	DueAt  time.Time `json:"dueAt"`
	Mailed bool      `json:"mailed"`
	// File is what is mailed.
	File MailedFile `json:"file"`
	// Serial is the serial number, in hexadecimal, of the certificate.
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}

// Mail is what the technical contact got: the file to bring.
type Mail struct {
	// FileName is how the mail calls the file.
	FileName string
	// Content is the file, byte by byte.
	Content []byte
}

// NotMailedError says that the certificate of an application has not been mailed yet.
type NotMailedError struct {
	// Reference is the number of the application, DueAt when its certificate is mailed.
	Reference string
	DueAt     time.Time
}

// Error says when to ask again.
func (e *NotMailedError) Error() string {
	return fmt.Sprintf("the certificate of application %s is mailed at %s, not before", e.Reference,
		e.DueAt.UTC().Format(time.RFC3339))
}

// Apply sends an application for an interface certificate and returns its reference.
func (c *Client) Apply(ctx context.Context, application Application) (string, error) {
	var accepted ApplicationState
	err := c.call(ctx, http.MethodPost, "/dvv/applications", application, &accepted)
	return accepted.Reference, err
}

// Applications lists what was applied for, oldest first.
func (c *Client) Applications(ctx context.Context) ([]ApplicationState, error) {
	var listed []ApplicationState
	err := c.call(ctx, http.MethodGet, "/dvv/applications", nil, &listed)
	return listed, err
}

// Mail fetches what was mailed for an application; before that it fails with a *NotMailedError.
func (c *Client) Mail(ctx context.Context, reference string) (Mail, error) {
	header, content, err := c.exchange(ctx, http.MethodGet, "/dvv/applications/"+url.PathEscape(reference)+"/mail", nil)
	if failure, refused := errors.AsType[*Error](err); refused && failure.DueAt != nil {
		return Mail{}, &NotMailedError{Reference: reference, DueAt: *failure.DueAt}
	}
	if err != nil {
		return Mail{}, err
	}
	_, parameters, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil {
		return Mail{}, fmt.Errorf("reading the name of the file that was mailed for application %s: %w", reference, err)
	}
	return Mail{FileName: parameters["filename"], Content: content}, nil
}

// DVVRoot is the PEM bundle of the root of DVV.
func (c *Client) DVVRoot(ctx context.Context) ([]byte, error) { return c.get(ctx, "/ca/dvv-root.pem") }

// DVVIntermediates is the PEM bundle of the issuing CA of DVV.
func (c *Client) DVVIntermediates(ctx context.Context) ([]byte, error) {
	return c.get(ctx, "/ca/dvv-intermediates.pem")
}

// DVVTestRoot is the PEM bundle of the root that DVV tests with.
func (c *Client) DVVTestRoot(ctx context.Context) ([]byte, error) {
	return c.get(ctx, "/ca/dvv-test-root.pem")
}

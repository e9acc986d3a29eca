package simulator_test

import (
	"archive/zip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const week = 7 * day

func startDVV(t *testing.T) *service {
	t.Helper()
	return start(t, func(o *simulator.Options) { o.MailDelay = week })
}

// csrFor is what a person uploads.
func csrFor(t *testing.T, key any) string {
	t.Helper()
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{
			Country: []string{"FI"}, Organization: []string{customerName}, OrganizationalUnit: []string{"Taloushallinto"},
			CommonName: "leima.esimerkki.fi",
		},
		DNSNames: []string{"leima.esimerkki.fi"},
	}, key))(t)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// application is a form that can be sent, for a certificate that begins when it is issued.
func (s *service) application(key any) admin.Application {
	return admin.Application{
		Applicant: "Aino Hakija", Organization: customerName, TechnicalContact: "tekniikka@esimerkki.fi",
		CSR: csrFor(s.t, key), ValidFrom: s.clock.Now().UTC().Format(time.DateOnly),
	}
}

func (s *service) apply(application admin.Application) string {
	s.t.Helper()
	return must.Get(s.admin.Apply(s.t.Context(), application))(s.t)
}

// mailed applies and waits for the mail, and gives the state of the application, too.
func (s *service) mailed(application admin.Application) (admin.Mail, admin.ApplicationState) {
	s.t.Helper()
	reference := s.apply(application)
	s.clock.Step(week)
	return must.Get(s.admin.Mail(s.t.Context(), reference))(s.t), s.state(reference)
}

func (s *service) state(reference string) admin.ApplicationState {
	s.t.Helper()
	listed := must.Get(s.admin.Applications(s.t.Context()))(s.t)
	index := slices.IndexFunc(listed, func(state admin.ApplicationState) bool { return state.Reference == reference })
	if index < 0 {
		s.t.Fatalf("%s is not listed in %+v", reference, listed)
	}
	return listed[index]
}

func openssl(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := referee.Run(t, "openssl", arguments...)
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", arguments, err, output)
	}
	return output
}

// certificatesIn are the PEM certificates in a text, in order.
func certificatesIn(t *testing.T, text []byte) []*x509.Certificate {
	t.Helper()
	var found []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		found = append(found, must.Get(x509.ParseCertificate(block.Bytes))(t))
	}
	return found
}

// direct lets openssl list what it finds in a PEM file.
func direct(t *testing.T, path string) string {
	t.Helper()
	return openssl(t, "storeutl", path)
}

// looking is direct for a file that has to begin in a certain way.
func looking(begin string) func(t *testing.T, path string) string {
	return func(t *testing.T, path string) string {
		t.Helper()
		if content, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(content), begin) {
			t.Errorf("error %v, or it does not begin with %q:\n%s", err, begin, content)
		}
		return direct(t, path)
	}
}

// mangled is for what openssl reads only after the HTML has been taken away.
func mangled(t *testing.T, path string) string {
	t.Helper()
	if output, err := referee.Run(t, "openssl", "x509", "-in", path); err == nil {
		t.Errorf("openssl reads it all the same:\n%s", output)
	}
	content := must.Get(os.ReadFile(path))(t)
	text := html.UnescapeString(strings.NewReplacer("<br>", "", "<p>", "\n").Replace(string(content)))
	return direct(t, file(t, "cleaned.pem", []byte(strings.ReplaceAll(text, "\u00a0", " "))))
}

// TestEveryFileIsWhatItIsCalled lets openssl read each file. Who is in it: own, earlier and another are certificates
// for the key of the CSR, of the CSR before, and for neither.
func TestEveryFileIsWhatItIsCalled(t *testing.T) {
	key, earlier := keys(t)
	keyFile := file(t, "key.pem", pem.EncodeToMemory(
		&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	type claim struct {
		name string
		read func(t *testing.T, path string) string
		who  []string
	}
	claims := map[admin.MailedFile]claim{
		"pem":       {"certificate.pem", direct, []string{"own"}},
		"leaf-last": {"bundle.pem", direct, []string{"root", "issuing", "own"}},
		"ca":        {"certificate.pem", direct, []string{"issuing"}},
		"bag-attributes": {
			"bundle.pem", looking("Bag Attributes\n    localKeyID: 01 00 00 00 \nsubject=CN=leima"), []string{"own", "issuing"},
		},
		"earlier-csr": {"certificate.pem", direct, []string{"earlier"}},
		"another-key": {"certificate.pem", direct, []string{"another"}},
		"der": {"certificate.cer", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "x509", "-inform", "DER", "-in", path)
		}, []string{"own"}},
		"pkcs7-pem": {"certificate.p7b", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "pkcs7", "-print_certs", "-in", path)
		}, []string{"issuing", "root", "own"}},
		"pkcs7-der": {"certificate.p7b", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "pkcs7", "-inform", "DER", "-print_certs", "-in", path)
		}, []string{"issuing", "root", "own"}},
		"base64": {"certificate.txt", func(t *testing.T, path string) string {
			t.Helper()
			der := filepath.Join(t.TempDir(), "decoded.der")
			openssl(t, "base64", "-d", "-in", path, "-out", der)
			return openssl(t, "x509", "-inform", "DER", "-in", der)
		}, []string{"own"}},
		"bom-crlf": {"certificate.pem", looking("\ufeff-----BEGIN CERTIFICATE-----\r\n"), []string{"own"}},
		"html":     {"mail.html", mangled, []string{"own"}},
		"private-key": {"certificate.pem", func(t *testing.T, path string) string {
			t.Helper()
			listed := direct(t, path)
			if !strings.Contains(listed, ": Pkey\n-----BEGIN PRIVATE KEY-----") {
				t.Errorf("openssl finds no private key:\n%s", listed)
			}
			return listed
		}, []string{"own", "issuing"}},
		"encrypted": {"smime.p7m", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "cms", "-decrypt", "-binary", "-inform", "DER", "-in", path, "-inkey", keyFile)
		}, []string{"own"}},
		"pkcs12": {"certificate.p12", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "pkcs12", "-in", path, "-nokeys", "-passin", "pass:"+admin.PKCS12Password)
		}, []string{"own", "issuing", "root"}},
		"zip": {"certificate.zip", func(t *testing.T, path string) string {
			t.Helper()
			archive := must.Get(zip.OpenReader(path))(t)
			defer func() { _ = archive.Close() }()
			entry := must.Get(archive.Open("certificate.pem"))(t)
			return string(must.Get(io.ReadAll(entry))(t))
		}, []string{"own"}},
		"csr": {"request.csr", func(t *testing.T, path string) string {
			t.Helper()
			return openssl(t, "req", "-verify", "-noout", "-in", path)
		}, nil},
	}
	if files := admin.MailedFiles(); len(claims) != len(files) {
		t.Errorf("%d claims about %d files", len(claims), len(files))
	}
	for _, kind := range admin.MailedFiles() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			claimed, known := claims[kind]
			if !known {
				t.Fatal("nothing is claimed about it")
			}
			s := startDVV(t)
			s.apply(s.application(earlier))
			application := s.application(key)
			application.File = kind
			mail, state := s.mailed(application)
			if mail.FileName != claimed.name || state.File != kind {
				t.Errorf("%s is called %s", state.File, mail.FileName)
			}
			found := certificatesIn(t, []byte(claimed.read(t, file(t, mail.FileName, mail.Content))))
			who := make([]string, 0, len(found))
			for _, certificate := range found {
				who = append(who, whoIs(certificate, state, key, earlier))
			}
			if diff := cmp.Diff(claimed.who, who, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("certificates (-want +got):\n%s", diff)
			}
			if kind == admin.FileCSR && string(mail.Content) != application.CSR {
				t.Errorf("it is another CSR:\n%s", mail.Content)
			}
		})
	}
}

// whoIs says which certificate of an application this is.
func whoIs(certificate *x509.Certificate, state admin.ApplicationState, key, earlier *rsa.PrivateKey) string {
	switch {
	case certificate.IsCA && certificate.CheckSignatureFrom(certificate) == nil:
		return "root"
	case certificate.IsCA:
		return "issuing"
	case certificate.SerialNumber.Text(16) != state.Serial:
		return "of another application"
	case key.PublicKey.Equal(certificate.PublicKey):
		return "own"
	case earlier.PublicKey.Equal(certificate.PublicKey):
		return "earlier"
	}
	return "another"
}

func TestTheHierarchiesHaveTheNamesOfDVVs(t *testing.T) {
	s := startDVV(t)
	key, _ := keys(t)
	names := func(bundle []byte, err error) []string {
		if err != nil {
			t.Fatal(err)
		}
		certificate := certificatesIn(t, bundle)[0]
		names := []string{
			certificate.Subject.CommonName, certificate.Issuer.CommonName, certificate.PublicKeyAlgorithm.String(),
		}
		if certificate.MaxPathLen == 0 && certificate.MaxPathLenZero {
			names = append(names, "pathLen 0")
		}
		return names
	}
	const root, issuing, testRoot = "DVV Gov. Root CA - G3 RSA", "DVV Service Certificates - G5R",
		"DVV TEST Root CA - G3 RSA"
	for bundle, c := range map[string]struct{ want, got []string }{
		"root":          {[]string{root, root, "RSA"}, names(s.admin.DVVRoot(t.Context()))},
		"intermediates": {[]string{issuing, root, "RSA", "pathLen 0"}, names(s.admin.DVVIntermediates(t.Context()))},
		"test root":     {[]string{testRoot, testRoot, "RSA"}, names(s.admin.DVVTestRoot(t.Context()))},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", bundle, diff)
		}
	}
	mail, _ := s.mailed(s.application(key))
	if output, err := s.verifyMailed(mail); err != nil {
		t.Errorf("openssl does not verify the certificate: %v\n%s", err, output)
	}
}

// verifyMailed lets openssl verify a certificate up to DVV's root, at the time of the simulator.
func (s *service) verifyMailed(mail admin.Mail, arguments ...string) (string, error) {
	s.t.Helper()
	root := must.Get(s.admin.DVVRoot(s.t.Context()))(s.t)
	intermediates := must.Get(s.admin.DVVIntermediates(s.t.Context()))(s.t)
	arguments = append([]string{"verify", "-x509_strict", "-purpose", "sslclient",
		"-attime", strconv.FormatInt(s.clock.Now().Unix(), 10),
		"-CAfile", file(s.t, "root.pem", root), "-untrusted", file(s.t, "issuing.pem", intermediates)}, arguments...)
	return referee.Run(s.t, "openssl", append(arguments, file(s.t, mail.FileName, mail.Content))...)
}

func TestACertificateSaysWhatTheRequestSaysUnlessTheAuthorityChangesIt(t *testing.T) {
	key, _ := keys(t)
	type facts struct {
		Subject       string
		Begins, Lives time.Duration // from when it was mailed; from then to its end
		// Verified is what openssl says, as of when it was mailed.
		Verified string
	}
	const asked = "CN=leima.esimerkki.fi,OU=Taloushallinto,O=Esimerkki & Pojat Oy,C=FI"
	const validity = 2 * 365 * day
	for claim, c := range map[string]struct {
		change func(*admin.Application)
		want   facts
	}{
		"nothing is changed": {func(*admin.Application) {}, facts{asked, 0, validity, "OK"}},
		"another organization": {
			func(a *admin.Application) { a.IssuedOrganization = "Esimerkki Group Oyj" },
			facts{"CN=leima.esimerkki.fi,OU=Taloushallinto,O=Esimerkki Group Oyj,C=FI", 0, validity, "OK"},
		},
		"the OU is dropped": {
			func(a *admin.Application) { a.DropOrganizationalUnit = true },
			facts{"CN=leima.esimerkki.fi,O=Esimerkki & Pojat Oy,C=FI", 0, validity, "OK"},
		},
		"it begins later": {
			func(a *admin.Application) { a.Postponed = admin.Duration(14 * day) },
			facts{asked, 14 * day, validity, "not yet valid"},
		},
		"it has expired": {func(a *admin.Application) { a.Expired = true }, facts{asked, -2 * day, day, "has expired"}},
		"the test hierarchy": {
			func(a *admin.Application) { a.TestHierarchy = true },
			facts{asked, 0, validity, "unable to get local issuer certificate"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := startDVV(t)
			application := s.application(key)
			c.change(&application)
			mail, state := s.mailed(application)
			certificate := certificatesIn(t, mail.Content)[0]
			output, _ := s.verifyMailed(mail)
			if !strings.Contains(output, c.want.Verified) {
				t.Errorf("openssl says, instead of %q:\n%s", c.want.Verified, output)
			}
			got := facts{
				certificate.Subject.String(), certificate.NotBefore.Sub(state.DueAt.Truncate(time.Second)),
				certificate.NotAfter.Sub(certificate.NotBefore), c.want.Verified,
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("certificate (-want +got):\n%s", diff)
			}
			if !slices.Equal(certificate.DNSNames, []string{"leima.esimerkki.fi"}) {
				t.Errorf("DNS names %v", certificate.DNSNames)
			}
		})
	}
}

func TestACertificateBeginsOnTheDateThatWasAskedFor(t *testing.T) {
	s := startDVV(t)
	key, _ := keys(t)
	application := s.application(key)
	begins := s.clock.Now().Add(30 * day).UTC().Truncate(day)
	application.ValidFrom = begins.Format(time.DateOnly)
	if _, state := s.mailed(application); !state.NotBefore.Equal(begins) {
		t.Errorf("it begins at %s, wanted %s", state.NotBefore, begins)
	}
}

func TestAFileIsMailedWhenItIsDueAndNotBefore(t *testing.T) {
	s := startDVV(t)
	key, _ := keys(t)
	slow, fast := s.application(key), s.application(key)
	fast.Delay = admin.Duration(time.Hour)
	for reference, delay := range map[string]time.Duration{s.apply(fast): time.Hour, s.apply(slow): week} {
		due := s.state(reference).AppliedAt.Add(delay)
		s.clock.SetTime(due.Add(-time.Nanosecond))
		_, err := s.admin.Mail(t.Context(), reference)
		var early *admin.NotMailedError
		if !errors.As(err, &early) || !early.DueAt.Equal(due) || early.Reference != reference || s.state(reference).Mailed {
			t.Errorf("before it is due: %v", err)
		}
		s.clock.SetTime(due)
		mail, err := s.admin.Mail(t.Context(), reference)
		if err != nil || !s.state(reference).Mailed || len(mail.Content) == 0 {
			t.Errorf("when it is due: %v", err)
		}
	}
	var failure *admin.Error
	if _, err := s.admin.Mail(t.Context(), "NOTHING"); !errors.As(err, &failure) || failure.Status != 404 {
		t.Errorf("a reference that nobody was given: %v", err)
	}
}

func TestARevokedCertificateIsOnTheListThatItNames(t *testing.T) {
	s := startDVV(t)
	key, _ := keys(t)
	application := s.application(key)
	good, _ := s.mailed(application)
	application.Revoked = true
	reference := s.apply(application)
	check := func(mail admin.Mail) string {
		t.Helper()
		points := certificatesIn(t, mail.Content)[0].CRLDistributionPoints
		incoming := must.Get(http.Get(points[0]))(t)
		defer func() { _ = incoming.Body.Close() }()
		list := must.Get(io.ReadAll(incoming.Body))(t)
		output, _ := s.verifyMailed(mail, "-crl_check", "-CRLfile", file(t, "list.crl", list))
		return output
	}
	if output := check(good); !strings.Contains(output, "OK") {
		t.Errorf("nothing is revoked yet: %s", output)
	}
	s.clock.Step(week)
	revoked := must.Get(s.admin.Mail(t.Context(), reference))(t)
	if output := check(revoked); !strings.Contains(output, "certificate revoked") {
		t.Errorf("openssl says of a revoked one: %s", output)
	}
	if output := check(good); !strings.Contains(output, "OK") {
		t.Errorf("openssl says of another one: %s", output)
	}
}

func TestAFormThatIsNotCompleteIsNotTaken(t *testing.T) {
	s := startDVV(t)
	key, _ := keys(t)
	elliptic256 := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for claim, c := range map[string]struct {
		change func(*admin.Application)
		why    string
	}{
		"no applicant":           {func(a *admin.Application) { a.Applicant = "" }, "applicant is missing"},
		"no organization":        {func(a *admin.Application) { a.Organization = "" }, "organization is missing"},
		"nobody to mail to":      {func(a *admin.Application) { a.TechnicalContact = "" }, "technicalContact is missing"},
		"no CSR":                 {func(a *admin.Application) { a.CSR = "" }, "csr is missing"},
		"no date":                {func(a *admin.Application) { a.ValidFrom = "tomorrow" }, "validFrom is not a date"},
		"an unknown file":        {func(a *admin.Application) { a.File = "fax" }, `file "fax" is unknown`},
		"a negative delay":       {func(a *admin.Application) { a.Delay = -1 }, "from 0 to six months"},
		"postponed by a year":    {func(a *admin.Application) { a.Postponed = admin.Duration(365 * day) }, "six months"},
		"expired and postponed":  {func(a *admin.Application) { a.Expired, a.Postponed = true, 1 }, "both"},
		"an elliptic curve":      {func(a *admin.Application) { a.CSR = csrFor(t, elliptic256) }, "ECDSA, not RSA"},
		"3072 bits":              {func(a *admin.Application) { a.CSR = rsa3072 }, "3072 bits; 2048 and 4096 are taken"},
		"a CSR without armor":    {func(a *admin.Application) { a.CSR = requestFor(t, key) }, "not a certificate request"},
		"no earlier application": {func(a *admin.Application) { a.File = "earlier-csr" }, "has not applied with another CSR"},
	} {
		application := s.application(key)
		c.change(&application)
		_, err := s.admin.Apply(t.Context(), application)
		var failure *admin.Error
		if !errors.As(err, &failure) || failure.Status != 400 || !strings.Contains(failure.Message, c.why) {
			t.Errorf("%s: %v", claim, err)
		}
	}
	if listed, err := s.admin.Applications(t.Context()); err != nil || len(listed) != 0 {
		t.Errorf("listed %+v, error %v", listed, err)
	}
}

// rsa3072 is a CSR that openssl made: req -new -newkey rsa:3072 -subj /CN=rsa3072.
const rsa3072 = `-----BEGIN CERTIFICATE REQUEST-----
MIIDVzCCAb8CAQAwEjEQMA4GA1UEAwwHcnNhMzA3MjCCAaIwDQYJKoZIhvcNAQEB
BQADggGPADCCAYoCggGBAMXxvKRs1+O/NwYkBYc3QVXThOFGCjWhnU+ALt/44RcC
ShDclGlmEJYDzuE3Tm2r9WeKVA6oc82J9Ci0LB2kbCTF1PxlkJZWVDHgwSFmqyiP
c8af/gD6RS45If1KORqn7jYkEXD4jUqLU6NjTXocmvLYEGRVXNr3jy23qG+RCeVV
m5jWxVLlSTOHNyHcWiwMk1YjrPQrl7g3y/Nzqyid4qcnkX5ot79eliMc3jE35yPr
z6XEO77r7vOusvXDyLQxZe/hdIogHGWolrtH3i7sr+o6sUy0njCtsoWna7Fljrgv
cUB6wpql0AJsS1iyK2tUt7ZLV4O5ViWNEcTgHlH8WlggQueLbHzvxTHBU3rj24Uu
jFqOHolg+CUHyMiUqWQVvyZ/WiqSPmceC1ArhMHWKdQQ4q+m5eJ/mGVaC084duHl
wr4f3qCmif6wU5a8b5RH8UPXlLxxRIxjW0AZfgx9/mBBv6Pb3dxiB+N6waYt8n8u
1qjM1ZpITXRCiiAi08iMhwIDAQABoAAwDQYJKoZIhvcNAQELBQADggGBAJTLthWh
2rbFqTtiZugrUqv52JTvSWJ2/KYaOQKl6pauwiIkcf/V4uL9wunjzi44XVKDYKjy
Nbxe3zmkUYBqRgfybz6t7cutm7tKR57rpPK2VoZbowp8BtsTKPaA/IiyfiGwcZd8
nzkrubO+nOETWxEIg5jQZLlfmB+xrFW3BUYTZbWAgHjD/q0itOGB6Zn+/6MAYbHk
Rv8zzYHY1Rjnqlf70wvdcZDEfC4cP/X5Ma3qavT3M6g14OhrA4mRpyY7V/2zROM8
MSC7Fr6+bxbu55UvsdsM0f2a7T9T6zd0XUVWIi60R3VlSrm34Epgbj7I3ZEj+BH2
Ol4JE0VM7uAzAB7BNv/HG2mP6LUrIzCyezPg+7RFGIbB+vSL8UeYDPaZ9B1TZYtM
R7G2HdZU4l3u6Wnfi2azRHP7hxNaAWaXxqaD6qq01VJ3QFY1sGVC2jPMWLvk9wy1
pmNRm6I2+MOTj1al9KSB6ww3BgPWyTNIhnwj3rD+eIspRD2FzrsWN9k8tw==
-----END CERTIFICATE REQUEST-----
`

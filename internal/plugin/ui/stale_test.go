package ui

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// serveManual serves the page of an order that somebody waits for, and returns what its authority sends.
func serveManual(t *testing.T) (s *served, sent []byte) {
	t.Helper()
	authority := pkitest.Root(t, "Example Root", pkitest.Dates(now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0)))
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "page"}}, pkitest.Key("page")))(t)
	request := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Name: "page-1"}, Spec: cmapi.CertificateRequestSpec{
		Request:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		IssuerRef: cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "ManualIssuer", Name: "dvv"},
		Usages:    []cmapi.KeyUsage{cmapi.UsageClientAuth}}, Status: cmapi.CertificateRequestStatus{
		Conditions: []cmapi.CertificateRequestCondition{{Type: "Approved", Status: "True", Reason: "test"}}}}
	order := manualOrder(t)
	order.Spec.Request = request.Spec.Request
	order.Spec.PublicKeyDigest = must.Get(pki.PublicKeyDigest(pkitest.Key("page").Public()))(t)
	s = serve(t, request, order, &v1alpha1.ManualIssuer{ObjectMeta: metav1.ObjectMeta{Name: "dvv"},
		Spec: v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(authority.Certificate)}}})
	return s, pkitest.PEM(authority.Issue(t, pkitest.Key("page"), "page", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}, pkitest.Dates(now.AddDate(0, 0, -1), now.AddDate(2, 0, 0))))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// formIn is what a form of a page sends.
func formIn(t *testing.T, content, action string) url.Values {
	t.Helper()
	_, form, found := strings.Cut(content, `action="`+action+`"`)
	if !found {
		t.Fatalf("there is no form %s:\n%s", action, content)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(form, -1) {
		values.Set(field[1], field[2])
	}
	return values
}

func (s *served) send(t *testing.T, path string, form url.Values) int {
	t.Helper()
	return s.ask(t, http.MethodPost, path, strings.NewReader(form.Encode()), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}).StatusCode
}

func (s *served) manualOrder(t *testing.T) *v1alpha1.ManualOrder {
	t.Helper()
	order := &v1alpha1.ManualOrder{}
	must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: "manual-1"}, order))
	return order
}

// TestWhatWasConfirmedIsWhatIsDone: what has become another thing since it was shown, is left as it is.
func TestWhatWasConfirmedIsWhatIsDone(t *testing.T) {
	s, sent := serveManual(t)
	checked := contentOf(t, s.bring(t, s.guard.form, "sent.pem", sent))
	confirm := formIn(t, checked, s.order()+"/complete")
	order := s.manualOrder(t)
	order.Spec.Certificate = "-----BEGIN CERTIFICATE-----\nof somebody else\n-----END CERTIFICATE-----\n"
	must.Do(t, server.Client.Update(t.Context(), order))
	if code := s.send(t, s.order()+"/complete", confirm); code != http.StatusConflict {
		t.Errorf("what somebody else has brought meanwhile is replaced: %d", code)
	}
	must.Contain(t, s.manualOrder(t).Spec.Certificate, "of somebody else")
	again := contentOf(t, s.bring(t, s.guard.form, "sent.pem", sent))
	if code := s.send(t, s.order()+"/complete", formIn(t, again, s.order()+"/complete")); code != http.StatusSeeOther {
		t.Errorf("what was shown and is the same is answered with %d", code)
	}
	must.Contain(t, string(sent), s.manualOrder(t).Spec.Certificate)
}

// TestOnlyTheApplicationThatWasShownIsStopped, and not one that somebody has noted since.
func TestOnlyTheApplicationThatWasShownIsStopped(t *testing.T) {
	s, _ := serveManual(t)
	note := func(application *v1alpha1.ManualApplication) {
		order := s.manualOrder(t)
		order.Spec.Application = application
		must.Do(t, server.Client.Update(t.Context(), order))
	}
	note(&v1alpha1.ManualApplication{Reference: "first"})
	stop := formIn(t, contentOf(t, s.ask(t, http.MethodGet, s.order(), nil, nil)), s.order()+"/stopped")
	note(nil)
	note(&v1alpha1.ManualApplication{Reference: "second"})
	if code := s.send(t, s.order()+"/stopped", stop); code != http.StatusConflict {
		t.Errorf("another one is answered with %d", code)
	}
	stop = formIn(t, contentOf(t, s.ask(t, http.MethodGet, s.order(), nil, nil)), s.order()+"/stopped")
	if code := s.send(t, s.order()+"/stopped", stop); code != http.StatusSeeOther {
		t.Errorf("the one that was shown is answered with %d", code)
	}
}

// serveNotice serves the page of a tracked certificate whose change somebody has to be told of.
func serveNotice(t *testing.T) (s *served, tracked *v1alpha1.TrackedCertificate, path string) {
	t.Helper()
	const subject = "C&A +1? 100 % #5\u00e4; &bcc=evil@example.org"
	tracked = &v1alpha1.TrackedCertificate{ObjectMeta: metav1.ObjectMeta{Name: "via"},
		Spec: v1alpha1.TrackedCertificateSpec{
			Source: v1alpha1.TrackedSource{CertificateName: "any"}, ChangeNotice: &v1alpha1.ChangeNotice{
				To: "maija@example.fi", Subject: subject, When: []v1alpha1.ChangedFact{v1alpha1.ChangedAny}},
		}, Status: v1alpha1.TrackedCertificateStatus{ObservedGeneration: 1, Subject: "O=Tom & Jerry",
			Notice: &v1alpha1.Notice{
				To: "maija@example.fi", Subject: subject, Certificate: []byte("PEM\n"), Digest: strings.Repeat("0a", 32)}}}
	s = serve(t, tracked)
	must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: s.namespace, Name: "via"}, tracked))
	return s, tracked, noticePath(s.namespace, "via")
}

// TestOnlyTheNoticeThatWasShownIsAcknowledged, and not that of a certificate which has come since.
func TestOnlyTheNoticeThatWasShownIsAcknowledged(t *testing.T) {
	s, tracked, path := serveNotice(t)
	sent := formIn(t, contentOf(t, s.ask(t, http.MethodGet, path, nil, nil)), path)
	tracked.Status.Notice.Digest = strings.Repeat("0b", 32)
	must.Do(t, server.Client.Status().Update(t.Context(), tracked))
	if code := s.send(t, path, sent); code != http.StatusConflict {
		t.Errorf("another one is answered with %d", code)
	}
	sent = formIn(t, contentOf(t, s.ask(t, http.MethodGet, path, nil, nil)), path)
	if code := s.send(t, path, sent); code != http.StatusSeeOther {
		t.Errorf("the one that was shown is answered with %d", code)
	}
}

// TestAMailIsOpenedWithWhatTheNoticeSays: nothing in a subject is another recipient, and nothing ends the text.
func TestAMailIsOpenedWithWhatTheNoticeSays(t *testing.T) {
	s, tracked, path := serveNotice(t)
	content := contentOf(t, s.ask(t, http.MethodGet, path, nil, nil))
	_, address, _ := strings.Cut(content, `href="mailto:`)
	address, _, _ = strings.Cut(address, `"`)
	address = strings.ReplaceAll(address, "&amp;", "&")
	_, query, _ := strings.Cut(address, "?")
	fields := must.Get(url.ParseQuery(strings.ReplaceAll(query, "+", "%2B")))(t) // where + is no blank (RFC 6068)
	if len(fields) != 2 || fields.Get("subject") != tracked.Spec.ChangeNotice.Subject {
		t.Errorf("the mail has %q", fields)
	}
	must.Contain(t, fields.Get("body"), "O=Tom & Jerry", "PEM\r\n")
}

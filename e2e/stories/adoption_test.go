package stories

import (
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// Years in minutes: there is time to adopt the certificate before its window opens, and to renew it before it ends.
const (
	adoptedLife   = 150 * time.Second
	adoptedWindow = time.Minute
)

// Headings of the how-to that have commands.
const (
	headingStart     = "Adopt a certificate that was made by hand"
	headingPKCS12    = "From a PKCS#12 file"
	headingCheck     = "Check what you have"
	headingSecret    = "Put it into a Secret"
	headingCreate    = "Create the Certificate"
	headingRenewal   = "When the window opens"
	headingPlain     = "Without the annotations"
	headingRehearsal = "Rehearse it"
)

func TestEveryCommandOfTheHowToIsRunByAStory(t *testing.T) {
	t.Parallel()
	run := []string{
		headingStart, headingPKCS12, headingCheck, headingSecret, headingCreate, headingRenewal, headingPlain,
		headingRehearsal,
	}
	page := must.Get(howto.Read(howToAdopt))(t)
	if found := page.Sections(); !slices.Equal(found, run) {
		t.Errorf("there are commands under %q, and the stories run %q", found, run)
	}
}

func TestACertificateInAPKCS12FileIsAdoptedAsTheHowToSays(t *testing.T) {
	t.Parallel()
	a := adopt(t)
	made := a.orderByHand()
	a.writePKCS12(made)

	a.follow(headingStart, headingPKCS12, headingCheck, headingSecret, headingCreate)
	a.keepRequests()
	if held := a.held(); len(held) != 2 || !held[0].Equal(made.certificate) {
		t.Errorf("tls.crt holds %d certificates, want the adopted one and its intermediate", len(held))
	}
	a.renewsAt(made.opens())
	a.asksForNothing()

	a.awaitRenewal(made)
	a.follow(headingRenewal)
}

func TestACertificateWithoutIntermediatesIsAdoptedFromASecretWithoutAnnotations(t *testing.T) {
	t.Parallel()
	a := adopt(t)
	made := a.orderByHand()
	a.writePEM(made)

	create := a.section(headingSecret)
	a.follow(headingCheck)
	a.run(create[:1])
	a.run(a.section(headingCreate)[:1])
	a.keepRequests()
	waiting := a.awaitPending(certificateName, made.opens().UTC().Format(time.RFC3339))
	await(a.testCase, a.Certificate(), "not Ready", isReady(cmmeta.ConditionFalse))
	a.follow(headingPlain)
	a.run(create[1:])
	await(a.testCase, a.Certificate(), "Ready", isReady(cmmeta.ConditionTrue))
	if held := a.held(); len(held) != 1 || !held[0].Equal(made.certificate) {
		t.Errorf("tls.crt holds %d certificates, want the adopted one alone", len(held))
	}

	if renewed := a.awaitRenewal(made); renewed.request.UID != waiting.UID {
		t.Error("the renewal did not come through the request that has waited")
	}
}

func TestAnAdoptionCanBeRehearsed(t *testing.T) {
	t.Parallel()
	s := begin(t, append(rehearsalArguments(t), "--processing-delay=1s")...)
	a := s.adoption(
		nil, howto.Replacement{Old: "apply -f docs/samples/certificate.yaml", New: "apply -f rehearsal.yaml"})
	issuer := s.Issuer()
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), s.Certificate())
	first := s.awaitReady(certificateName)

	a.run(a.section(headingRehearsal)[1:])
	a.removeRequests()
	a.follow(headingCheck, headingSecret, headingCreate)
	a.renewsAt(first.chain[0].NotAfter.Add(-10 * time.Minute))
	a.asksForNothing()
}

// adopt begins a test case in which somebody adopts a certificate that is renewed within minutes.
func adopt(t *testing.T) *adoption {
	t.Helper()
	s := begin(t, "--validity="+adoptedLife.String(), "--renewal-window="+adoptedWindow.String(), "--processing-delay=1s")
	a := s.adoption([]howto.Replacement{{Old: "renewBefore: 1440h", New: "renewBefore: " + adoptedWindow.String()}})
	issuer := s.Issuer()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: adoptedWindow}
	s.Create(s.Trust(), issuer)
	s.awaitIssuer(v1alpha1.ReasonChecked)
	return a
}

// awaitRenewal waits until another certificate is in the Secret, and checks how that came about: when the window was
// open, and with nothing but the certificate that was there.
func (a *adoption) awaitRenewal(made *handMade) *issued {
	a.Helper()
	await(a.testCase, a.secret(), "another certificate than the adopted one", func(secret *corev1.Secret) bool {
		held := testkit.ParseCertificates(secret.Data[corev1.TLSCertKey])
		return len(held) == 0 || !held[0].Equal(made.certificate)
	})
	renewed := a.awaitReady(certificateName)
	renewals := a.Asked(renew)
	if len(renewals) != 1 || !renewals[0].Accepted {
		a.Fatalf("the renewals are %+v, want one that was accepted", renewals)
	}
	renewal := renewals[0]
	if early := made.opens().Sub(renewal.Time); early > 0 {
		a.Errorf("the service was asked %s before the window opened", early)
	}
	if want := serialNumber(made.certificate); renewal.SignerSerial != want {
		a.Errorf("the renewal was signed by certificate %s, want the adopted one, %s", renewal.SignerSerial, want)
	}
	if serial := serialNumber(renewed.chain[0]); serial != renewal.CertificateSerial {
		a.Errorf("the Secret holds certificate %s, want the renewed one, %s", serial, renewal.CertificateSerial)
	}
	if kept := made.key.PublicKey.Equal(renewed.chain[0].PublicKey); kept == a.certManagerIs(sinceRotation) {
		a.Errorf("the renewed certificate has the old key: %t", kept)
	}
	if ordered := a.spentOnce(); ordered.RetrievalID != made.retrievalID {
		a.Errorf("the controller has sent a SignNewCertificate: %+v", ordered)
	}
	return renewed
}

// renewsAt checks when cert-manager will ask for a renewal.
func (a *adoption) renewsAt(want time.Time) {
	a.Helper()
	if at := a.theCertificate().Status.RenewalTime; at == nil || !at.Time.Equal(want) {
		a.Errorf("the renewal is planned for %v, want %v", at, want)
	}
}

// asksForNothing checks that the service is asked for nothing before the window opens. On a busy machine cert-manager
// may see the Certificate before its Secret, and make a request at once; that one waits, as without the annotations.
func (a *adoption) asksForNothing() {
	a.Helper()
	if requests := a.Requests(); len(requests) > 0 {
		a.Logf("cert-manager has asked at once: %s", requests[0].Name)
		a.awaitPending(certificateName, "can be renewed from")
	}
	if bought, renewals := a.Accepted(), a.Asked(renew); len(bought) != 1 || len(renewals) > 0 {
		a.Errorf("the service was asked for %+v and %+v, want nothing after the first certificate", bought, renewals)
	}
}

// removeRequests does what a cluster does when a Certificate is deleted; this one has no garbage collector.
func (a *adoption) removeRequests() {
	a.Helper()
	must.Do(a, a.Client.DeleteAllOf(a.Context(), &cmapi.CertificateRequest{}, client.InNamespace(a.Namespace)))
}

// keepRequests lets the Certificate of the how-to keep its requests as those of the other test cases do.
func (a *adoption) keepRequests() {
	a.Helper()
	tenant.Edit(a.Tenant, a.Certificate(), func(certificate *cmapi.Certificate) {
		certificate.Spec.RevisionHistoryLimit = a.Certificate().Spec.RevisionHistoryLimit
	})
}

package commands_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// TestTheRequestIsWritten as the authority takes it, by the name of the order or of its Certificate.
func TestTheRequestIsWritten(t *testing.T) {
	namespace := server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	for _, name := range []string{"manual-1", "leimat"} {
		if got := says(t, "csr", "-n", namespace, name); got != string(m.order.Spec.Request) {
			t.Errorf("by %s it is %q", name, got)
		}
	}
	must.Get(x509.ParseCertificateRequest([]byte(says(t, "csr", "-n", namespace, "leimat", "--der"))))(t)
	says(t, "applied", "-n", namespace, "leimat", "--reference=DVV 7", "--by=Maija")
	c := &call{}
	must.Do(t, c.run(t, "csr", "-n", namespace, "leimat"))
	must.Contain(t, c.err.String(), `application "DVV 7" is noted`, `by "Maija"`, "orders two certificates")
	must.Say(t, c.run(t, "csr", "-n", namespace, "other"), "neither a ManualOrder other nor one for a Certificate other")
	m.become(t, "Stale", "the Certificate has another key; stop the application")
	must.Say(t, c.run(t, "csr", "-n", namespace, "manual-1"), "is stale", "stop the application")
	if c.out.Len() > 0 {
		t.Errorf("it writes %q all the same", c.out)
	}
}

// become writes the status that a controller would.
func (m *manual) become(t *testing.T, state v1alpha1.ManualOrderState, message string) {
	t.Helper()
	order := m.now(t)
	order.Status.State, order.Status.Conditions = state, ready("False", "ApplicationStale", message)
	must.Do(t, server.Client.Status().Update(t.Context(), order))
}

func TestAnApplicationIsNotedOnce(t *testing.T) {
	namespace := server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	note := func(arguments ...string) error {
		return (&call{}).run(t, append([]string{"applied", "-n", namespace, "leimat"}, arguments...)...)
	}
	must.Say(t, note(), "--reference")
	must.Say(t, note("--reference=7", "--date=28.11.2026"), "write it as 2026-11-28")
	must.Say(t, note("--stopped"), "no application is noted")
	must.Do(t, note("--reference=DVV 7", "--by=Maija", "--date=2026-11-27"))
	noted := m.now(t).Spec.Application
	if noted == nil || noted.Reference != "DVV 7" || noted.By != "Maija" ||
		!noted.Time.Time.Equal(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the note is %+v", noted)
	}
	must.Say(t, note("--reference=DVV 8"), "application DVV 7 is noted already, by Maija")
	must.Say(t, note("--reference=DVV 8"), "applied -n "+namespace+" manual-1 --stopped` removes it")
	must.Say(t, note("--reference=DVV 7", "--date=2126-11-27"), "still to come")
	must.Say(t, note("--stopped", "--by=Maija"), "leave the other flags out")
	must.Do(t, note("--stopped"))
	if m.now(t).Spec.Application != nil {
		t.Error("the note is still there")
	}
}

// TestAPrivateKeyDoesNotLeaveTheMachine: nobody is connected to before it is refused.
func TestAPrivateKeyDoesNotLeaveTheMachine(t *testing.T) {
	c := &call{stdin: string(pkitest.KeyPEM(t, "leimat"))}
	must.Say(t, c.run(t, "complete", "leimat", "-", "--server=https://127.0.0.1:1"),
		"standard input: it holds a private key", "leaked")
}

// TestWhatCannotBeUsedIsNotSent, and says why, as the controller would.
func TestWhatCannotBeUsedIsNotSent(t *testing.T) {
	namespace := server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	foreign := &manual{authority: pkitest.Root(t, "Another Root")}
	authority := func(c *x509.Certificate) { c.Subject.Organization = []string{"Other Oy"} }
	for claim, c := range map[string]struct {
		content   []byte
		arguments []string
		says      []string
	}{
		"the CSR itself":             {m.order.Spec.Request, nil, []string{"it is the CSR itself"}},
		"one of another authority":   {foreign.issue(t, "leimat"), nil, []string{"and was not sent", "Another Root"}},
		"one for another key":        {m.issue(t, "other"), nil, []string{"was not sent"}},
		"one that has ended":         {m.issue(t, "leimat", ended), nil, []string{"expired"}},
		"one with other usages":      {m.issue(t, "leimat", useless), nil, []string{"client auth"}},
		"what was changed, unasked":  {m.issue(t, "leimat", authority), nil, []string{"--yes", "nothing was sent"}},
		"what the person denies":     {m.issue(t, "leimat", authority), []string{"typed", "n"}, []string{"nothing was sent"}},
		"nothing of what was wanted": {[]byte("see attachment"), nil, []string{"certificate"}},
	} {
		t.Run(claim, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "came")
			must.Do(t, os.WriteFile(file, c.content, 0o600))
			run := &call{}
			if len(c.arguments) > 0 {
				run.typed = c.arguments[1:]
			}
			must.Say(t, run.run(t, "complete", "-n", namespace, "leimat", file, "--wait=0"), c.says...)
			if order := m.now(t); order.Spec.Certificate != "" || order.Spec.CertificateFrom != nil {
				t.Errorf("it was sent: %+v", order.Spec)
			}
		})
	}
}

func ended(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

func useless(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping} }

// TestWhatCameIsBrought in the format in which the authority sends it, and shown before: old → new.
func TestWhatCameIsBrought(t *testing.T) {
	namespace := server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	order := m.now(t)
	came := m.issue(t, "leimat", func(c *x509.Certificate) { c.Subject.Organization = []string{"Example Oyj"} })
	block, _ := pem.Decode(came)
	file := filepath.Join(t.TempDir(), "came.cer")
	must.Do(t, os.WriteFile(file, block.Bytes, 0o600))
	c := &call{}
	must.Do(t, c.run(t, "complete", "-n", namespace, "leimat", file, "--dry-run"))
	must.Contain(t, c.out.String(), "in use:  none", "came:    serial number ", "Nothing was sent",
		`changed: spec.subject.organizations: nothing → "Example Oyj"`)
	if m.now(t).ResourceVersion != order.ResourceVersion {
		t.Error("a dry run has written")
	}
	c = &call{typed: []string{"y"}}
	must.Do(t, c.run(t, "complete", "-n", namespace, "manual-1", file, "--wait=0"))
	if got := m.now(t).Spec.Certificate; got != string(came) {
		t.Errorf("the order has %q", got)
	}
	c = &call{stdin: "mail\n" + string(came)}
	must.Do(t, c.run(t, "complete", "-n", namespace, "manual-1", "-", "--yes", "--wait=1ms"))
	must.Contain(t, c.err.String(), "the controller has not said anything yet")
	m.become(t, "Issued", "it is issued")
	must.Say(t, c.run(t, "complete", "-n", namespace, "manual-1", file), "has its certificate already")
}

// TestWhoMayNotReadTheBundlesLeavesTheChainToTheController, and all else is checked.
func TestWhoMayNotReadTheBundlesLeavesTheChainToTheController(t *testing.T) {
	namespace := server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	issuer := &v1alpha1.ManualIssuer{}
	must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "issuer"}, issuer))
	issuer.Spec.Trust = v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: "ca"}}
	must.Do(t, server.Client.Update(t.Context(), issuer))
	grant(t, "carrier", namespace,
		rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io"},
			Resources: []string{"*"}, Verbs: []string{"get", "list"}},
		rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev"}, Resources: []string{"manualorders"}, Verbs: []string{"patch"}})
	bring := func(content []byte, arguments ...string) error {
		c := &call{stdin: string(content)}
		return c.run(t, append([]string{
			"complete", "-n", namespace, "leimat", "-", "--wait=0", "--as=carrier"}, arguments...)...)
	}
	must.Say(t, bring(m.issue(t, "leimat")), "you may not get configmaps in namespace "+namespace, "--skip-chain")
	must.Say(t, bring(m.issue(t, "other"), "--skip-chain"), "was not sent")
	must.Do(t, bring(m.issue(t, "leimat"), "--skip-chain"))
	if !strings.Contains(m.now(t).Spec.Certificate, "BEGIN CERTIFICATE") {
		t.Error("it was not sent")
	}
	must.Say(t, (&call{}).run(t, "applied", "-n", namespace, "leimat", "--reference=7", "--as=nobody"),
		"you may not get manualorders.varmenne.dev in namespace "+namespace)
}

// TestTheBundlesOfAClusterIssuerAreInTheNamespaceOfTheController, and a certificate that does not lead to them is not
// sent.
func TestTheBundlesOfAClusterIssuerAreInTheNamespaceOfTheController(t *testing.T) {
	namespace, controller := server.Namespace(t), server.Namespace(t)
	m := manualIn(t, namespace, "leimat")
	issuer := &v1alpha1.ManualClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	issuer.Spec.Trust.ConfigMapKeyRef = &v1alpha1.BundleReference{Name: "ca", Key: "root.pem"}
	asked := certificate(namespace, "sinetit", "ManualClusterIssuer")
	asked.Spec.IssuerRef.Name = issuer.Name
	create(t, asked)
	request := requestOf(t, asked, "ManualOrder manual-2: carry the request")
	parsed := must.Get(pki.ParseCertificateRequest(request.Spec.Request))(t)
	order := m.now(t)
	order.Spec.Request = request.Spec.Request
	order.Spec.PublicKeyDigest = must.Get(pki.PublicKeyDigest(parsed.PublicKey))(t)
	order.Spec.IssuerRef = v1alpha1.ManualIssuerReference{Kind: "ManualClusterIssuer", Name: namespace}
	order.Name, order.UID, order.ResourceVersion = "manual-2", "", ""
	bundle := &corev1.ConfigMap{ObjectMeta: meta(controller, "ca"), Data: map[string]string{
		"root.pem": string(pkitest.PEM(m.authority.Certificate)),
	}}
	create(t, issuer, request, order, bundle)
	m.order = order
	bring := func(content []byte, arguments ...string) error {
		c := &call{stdin: string(content)}
		return c.run(t, append([]string{"complete", "-n", namespace, "manual-2", "-", "--wait=0"}, arguments...)...)
	}
	foreign := &manual{authority: pkitest.Root(t, "Another Root")}
	there := "--controller-namespace=" + controller
	elsewhere := bring(m.issue(t, "sinetit"), "--controller-namespace="+namespace)
	must.Say(t, elsewhere, "ConfigMap "+namespace+"/ca does not exist")
	must.Say(t, bring(foreign.issue(t, "sinetit"), there), "was not sent", "Another Root")
	must.Do(t, bring(m.issue(t, "sinetit"), there))
	if !strings.Contains(m.now(t).Spec.Certificate, "BEGIN CERTIFICATE") {
		t.Error("it was not sent")
	}
}

// TestARotationIsDemanded once, and not of what is suspended.
func TestARotationIsDemanded(t *testing.T) {
	namespace := server.Namespace(t)
	rotated := password(namespace, "messages")
	create(t, rotated)
	must.Contain(t, says(t, "rotate", "-n", namespace, "messages"), "a rotation is demanded", "kubectl varmenne why")
	name := types.NamespacedName{Namespace: namespace, Name: "messages"}
	must.Do(t, server.Client.Get(t.Context(), name, rotated))
	demand := rotated.Annotations["varmenne.dev/rotate"]
	must.Get(time.Parse(time.RFC3339, demand))(t)
	must.Say(t, (&call{}).run(t, "rotate", "-n", namespace, "messages"), "was demanded already")
	rotated.Status.LastHandledDemand, rotated.Status.State = demand, "Sent"
	must.Do(t, server.Client.Status().Update(t.Context(), rotated))
	must.Contain(t, says(t, "rotate", "-n", namespace, "messages"), "a rotation is in flight (Sent)")
	must.Do(t, server.Client.Get(t.Context(), name, rotated))
	rotated.Spec.Suspend = true
	must.Do(t, server.Client.Update(t.Context(), rotated))
	must.Say(t, (&call{}).run(t, "rotate", "-n", namespace, "messages"), "is suspended")
}

// TestANoticeIsAMailThatIsSentOnce: nothing that somebody has written into the object gets into another header.
func TestANoticeIsAMailThatIsSentOnce(t *testing.T) {
	namespace := server.Namespace(t)
	tracked := noticeDue(namespace)
	tracked.Status.Subject = "CN=\"via\"\nBcc: evil@example.fi"
	create(t, tracked)
	mail := must.Get(readMail(says(t, "notice", "-n", namespace, "via")))(t)
	if mail.Header.Get("To") != "maija@example.fi" || mail.subject != "Varmenteen päivitys" || mail.Header["Bcc"] != nil {
		t.Errorf("the mail is %+v", mail)
	}
	must.Contain(t, mail.body, "subject:       CN=\"via\" Bcc: evil", "PEM\n")
	must.Contain(t, says(t, "notice", "-n", namespace, "via", "--sent"), "maija@example.fi knows")
	must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "via"}, tracked))
	if tracked.Spec.AcknowledgedDigest != tracked.Status.Notice.Digest {
		t.Errorf("acknowledged is %q", tracked.Spec.AcknowledgedDigest)
	}
	must.Say(t, (&call{}).run(t, "notice", "-n", namespace, "via", "--sent"), "has not looked")
	tracked.Status.Notice, tracked.Status.ObservedGeneration = nil, tracked.Generation
	must.Do(t, server.Client.Status().Update(t.Context(), tracked))
	must.Say(t, (&call{}).run(t, "notice", "-n", namespace, "via"), "no notice", "is due")
}

// TestARetrievalIDIsBroughtBack to an order that has none of its own.
func TestARetrievalIDIsBroughtBack(t *testing.T) {
	namespace := server.Namespace(t)
	order := veroIn(t, namespace, "payroll")
	adopt := func(id string) error {
		return (&call{}).run(t, "recover", "-n", namespace, "payroll", id, "--wait=0")
	}
	must.Say(t, adopt("12 34"), "RetrievalId", "U+0020")
	must.Do(t, adopt("1234"))
	now := func() {
		must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: order.Name}, order))
	}
	if now(); order.Annotations["varmenne.dev/adopt-retrieval-id"] != "1234" {
		t.Errorf("the annotations are %v", order.Annotations)
	}
	order.Status.RetrievalID = "99"
	must.Do(t, server.Client.Status().Update(t.Context(), order))
	must.Say(t, adopt("99"), "has this RetrievalId already")
	must.Say(t, adopt("1234"), "a verified response")
	now()
	order.Status.State, order.Status.CompletionTime = "Issued", &metav1.Time{Time: time.Now()}
	must.Do(t, server.Client.Status().Update(t.Context(), order))
	must.Say(t, adopt("1234"), "has its certificate already")
	must.Say(t, (&call{}).run(t, "recover", "-n", namespace, "x", "1", "--as=nobody"),
		"you may not get veroorders.varmenne.dev")
}

package docs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Pages for persons who carry certificates.
const (
	manualPage  = "docs/how-to/manual-certificates.md"
	trackedPage = "docs/how-to/tracked-certificates.md"
)

// TestTheFormIsWalkedThroughByItsHeadings: what the page calls them is what the preset's steps in Finnish do.
func TestTheFormIsWalkedThroughByItsHeadings(t *testing.T) {
	_, section, _ := strings.Cut(read(t, manualPage), "\n## DVV's form, step by step\n")
	section, _, _ = strings.Cut(section, "\n## ")
	steps := strings.Join(strings.Fields(read(t, "internal", "manual", "instructions", "dvv.fi.md")), " ")
	headings := regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(strings.ReplaceAll(section, "**", ""), -1)
	for _, heading := range headings {
		if !strings.Contains(strings.ToLower(steps), strings.ToLower(heading[1])) {
			t.Errorf("the preset's steps do not know %q", heading[1])
		}
	}
	if len(headings) < 12 {
		t.Errorf("only %d headings were found", len(headings))
	}
}

// followFor does what a page says under headings, in the scenario's namespace instead of the page's.
func (r *reader) followFor(page, namespace string, headings []string, replacements ...howto.Replacement) {
	r.Helper()
	for _, heading := range headings {
		r.follow(page, heading, append(replacements, howto.Replacement{Old: "-n " + namespace, New: "-n " + r.Namespace})...)
	}
}

// sample puts a sample where the page has it, for the scenario's namespace.
func (r *reader) sample(name, of string) {
	r.Helper()
	r.write("docs/samples/"+name, strings.ReplaceAll(
		read(r.T, "docs", "samples", name), "namespace: "+of, "namespace: "+r.Namespace))
}

func (r *reader) bundle(read func(context.Context) ([]byte, error)) string {
	r.Helper()
	content, err := read(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return string(content)
}

// TestAPersonReplacesAFileThatWasRefused: the samples make an order, which shows its steps; what is wrong as text is
// replaced by a ConfigMap, in that by another file, and the right one is put into the order itself.
func TestAPersonReplacesAFileThatWasRefused(t *testing.T) {
	t.Parallel()
	s := emptyScenario(t, "refused-file", "--mail-delay=1ms")
	r := s.reader()
	s.Create(s.NamespaceObject())
	r.write("root.pem", r.bundle(s.Service.DVVRoot))
	r.write("intermediates.pem", r.bundle(s.Service.DVVIntermediates))
	r.followFor(manualPage, "stamping", []string{"Once: the issuer"})
	s.Create(tenant.Sample(s.Tenant, "manual/issuer.yaml", &v1alpha1.ManualIssuer{}),
		tenant.Sample(s.Tenant, "manual/certificate.yaml", &cmapi.Certificate{}))

	order := r.awaitOrder(v1alpha1.ReasonApplicationDue)
	if steps := order.Status.Instructions; len(steps) != 2 || !strings.Contains(steps[1].Steps, order.Name+".csr") {
		t.Errorf("the order shows the steps %+v", steps)
	}
	name := howto.Replacement{Old: "NAME", New: order.Name}
	r.write("FILE", string(order.Spec.Request))
	r.followFor(manualPage, "stamping", []string{"As a text in the order itself"}, name)
	r.awaitOrder(v1alpha1.ReasonCertificateRejected)
	r.followFor(manualPage, "stamping", []string{"Every time: bring back what came"}, name)
	r.awaitOrder(v1alpha1.ReasonCertificateRejected)
	r.write("FILE", r.mailed(order))
	r.followFor(manualPage, "stamping", []string{"If it was refused", "As a text in the order itself"}, name)
	if issued := r.awaitOrder(v1alpha1.ReasonIssued); len(issued.Status.Instructions) > 0 {
		t.Errorf("nobody has to do anything, and it shows %+v", issued.Status.Instructions)
	}
	s.AwaitReady("stamping")
}

// awaitOrder waits until the only order says something.
func (r *reader) awaitOrder(reason string) *v1alpha1.ManualOrder {
	r.Helper()
	list := &v1alpha1.ManualOrderList{}
	r.Eventually("an order that says "+reason, func(ctx context.Context) (bool, error) {
		if err := r.Client.List(ctx, list, client.InNamespace(r.Namespace)); err != nil || len(list.Items) != 1 {
			return false, err
		}
		ready := meta.FindStatusCondition(list.Items[0].Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason, nil
	})
	return &list.Items[0]
}

// mailed carries an order's request to DVV, and returns what is mailed.
func (r *reader) mailed(order *v1alpha1.ManualOrder) string {
	r.Helper()
	reference, err := r.Service.Apply(r.Context(), admin.Application{
		Applicant: "Maija", Organization: "Example Oy", TechnicalContact: "it@example.fi", CSR: string(order.Spec.Request),
		ValidFrom: time.Now().UTC().Format(time.DateOnly),
	})
	if err != nil {
		r.Fatal(err)
	}
	var mail admin.Mail
	r.Eventually("the mail", func(ctx context.Context) (bool, error) {
		var err error
		mail, err = r.Service.Mail(ctx, reference)
		if _, early := errors.AsType[*admin.NotMailedError](err); early {
			return false, nil
		}
		return err == nil, err
	})
	return string(mail.Content)
}

// TestAPersonTellsWhomAChangeConcerns follows the page from the first certificate to the acknowledgement of another
// one. The certificates are those of authorities: they can be tracked, too.
func TestAPersonTellsWhomAChangeConcerns(t *testing.T) {
	t.Parallel()
	s := emptyScenario(t, "tracked")
	r := s.reader()
	s.Create(s.NamespaceObject())
	r.write("certificate.pem", r.bundle(s.Service.DVVRoot))
	r.sample("tracked/stamp.yaml", "stamping")
	r.sample("tracked/via.yaml", "messages")
	r.followFor(trackedPage, "stamping", []string{"The stamp certificate"})
	r.followFor(trackedPage, "messages", []string{"The signing certificate of VIA"})

	another := r.bundle(s.Service.DVVIntermediates)
	tracked := tenant.Sample(s.Tenant, "tracked/via.yaml", &v1alpha1.TrackedCertificate{})
	tenant.Edit(s.Tenant, tracked, func(tracked *v1alpha1.TrackedCertificate) {
		tracked.Spec.Source = v1alpha1.TrackedSource{Certificate: another}
	})
	s.Eventually("a notice", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKeyFromObject(tracked), tracked)
		return tracked.Status.Notice != nil, err
	})
	r.followFor(trackedPage, "messages", []string{"When it has changed"})
	if notice, err := os.ReadFile(filepath.Join(r.shell.Dir, "notice.pem")); err != nil || string(notice) != another {
		t.Errorf("the notice holds %s, %v", notice, err)
	}
}

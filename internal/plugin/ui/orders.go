package ui

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// maximumBody is how much a form may be: as many files of 64 KiB as a person brings, and what the browser adds.
const maximumBody = 1 << 20 // tooLong says it

// Fields of the forms.
const (
	fieldFiles     = "files"
	fieldPasted    = "pasted"
	fieldChecked   = "checked"
	fieldReference = "reference"
	fieldBy        = "by"
	// fieldSeen is what the person has seen who sends the form: seenOf an order, the digest of a notice.
	fieldSeen = "seen"
)

// orderPage is a manual order: what to carry, and a place for what came.
type orderPage struct {
	layout

	Order *v1alpha1.ManualOrder
	// Ended is why nobody should carry or bring anything any more, empty if somebody should.
	Ended string
	// Row says whose turn it is, nil where nothing waits for the order.
	Row *overview.Row
	// Message of the order, and whether it tells of commands, in whose place the page is.
	Message      string
	ForTerminals bool
	// Steps of the authority's form, as HTML of our own making, in the language of StepsLanguage.
	Steps         markup
	StepsLanguage string
	URL, Contact  string
	Events        []actions.Event
	// Refused is why what came cannot be used, empty if it can or nothing came.
	Refused string
	// Checked is what came and can be used, nil if nothing.
	Checked *checked
	// Request is the CSR in PEM.
	Request string
	// Seen is the order as it is shown.
	Seen string
}

// checked is what came and can be used.
type checked struct {
	Serial, Subject string
	Issued          delivery.Issued
	// Certificates are all that came, in PEM, to be sent once more when it is confirmed.
	Certificates string
	// Notes say which Secrets were read.
	Notes []string
	// Seen is what is confirmed beside the certificates.
	Seen string
}

// seenOf names what a person sees of an order: what it was told so far, and what the authority has changed.
func seenOf(order *v1alpha1.ManualOrder, changes []delivery.Change) string {
	return fmt.Sprintf("%s/%d/%x", order.UID, order.Generation, sha256.Sum256(fmt.Append(nil, changes)))
}

// refuseStale refuses a form about something that is no longer as the person has seen it: in another window, or by
// somebody else, it has become another thing.
func (c *call) refuseStale(now string) error {
	if c.r.PostFormValue(fieldSeen) != now {
		return &statusError{
			http.StatusConflict, "This has changed since it was shown, and was left as it is: open it anew, and look at it.",
		}
	}
	return nil
}

// ordered finds the order of the address.
func (c *call) ordered() (*v1alpha1.ManualOrder, error) {
	return actions.ManualOrderNamed(c.r.Context(), c.Access, c.r.PathValue("namespace"), c.r.PathValue("name"))
}

func (c *call) order() error {
	order, err := c.ordered()
	if err != nil {
		return err
	}
	page := c.orderPage(order)
	page.Version = c.shown.version
	// While the controller looks at what was brought, nobody fills anything in.
	page.Reloads = isBrought(order)
	c.write(http.StatusOK, "order", page)
	return nil
}

// isBrought reports whether something has come that the controller has yet to judge.
func isBrought(order *v1alpha1.ManualOrder) bool {
	ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
	return (order.Spec.Certificate != "" || order.Spec.CertificateFrom != nil) &&
		(ready == nil || ready.Reason != v1alpha1.ReasonCertificateRejected)
}

func (c *call) orderPage(order *v1alpha1.ManualOrder) *orderPage {
	page := &orderPage{
		layout: c.layout(nameOf(order), orderPath(order.Namespace, order.Name)), Order: order,
		Message: actions.ReadyMessage(order.Status.Conditions),
	}
	page.ForTerminals = strings.Contains(page.Message, "`kubectl ")
	page.Row, page.Seen = c.rowOf(order), seenOf(order, nil)
	if err := actions.RefuseEnded(order); err != nil {
		page.Ended = err.Error()
	}
	text, _, err := actions.Request(order)
	if page.Request = string(text); err != nil {
		page.Request = err.Error()
	}
	if steps := c.language.pick(order.Status.Instructions); steps != nil {
		page.Steps, page.StepsLanguage = renderSteps(steps.Steps), steps.Language
		page.URL, page.Contact = steps.URL, steps.Contact
	}
	page.Events, _ = actions.EventsOf(c.r.Context(), c.Access, order) // they only explain
	return page
}

// rowOf is what the overview says of what waits for an order.
func (c *call) rowOf(order *v1alpha1.ManualOrder) *overview.Row {
	for i := range c.shown.rows {
		row := &c.shown.rows[i]
		if step := row.Step(overview.KindManualOrder); step != nil && step.Name == order.Name &&
			step.Namespace == order.Namespace {
			return row
		}
	}
	return nil
}

// nameOf is what people call an order: the Certificate that it is for.
func nameOf(order *v1alpha1.ManualOrder) string {
	if name := order.Annotations[cmapi.CertificateNameKey]; name != "" {
		return name
	}
	return order.Name
}

func (c *call) request() error {
	return c.download(".csr", func(text, _ []byte) []byte { return text })
}

func (c *call) requestDER() error {
	return c.download(".der", func(_, der []byte) []byte { return der })
}

// download sends the CSR as a file.
func (c *call) download(ending string, choose func(text, der []byte) []byte) error {
	order, err := c.ordered()
	if err != nil {
		return err
	}
	if err := actions.RefuseEnded(order); err != nil {
		return err
	}
	text, der, err := actions.Request(order)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/pkcs10")
	c.w.Header().Set("Content-Disposition", `attachment; filename="`+order.Name+ending+`"`)
	_, _ = c.w.Write(choose(text, der)) // whoever has gone does not miss it
	return nil
}

func (c *call) noteApplication() error {
	if err := c.form(); err != nil {
		return err
	}
	reference := strings.TrimSpace(c.r.PostFormValue(fieldReference))
	if reference == "" {
		return &statusError{http.StatusBadRequest, "Name the application: its number, or the day on which it was sent."}
	}
	order, err := c.ordered()
	if err != nil {
		return err
	}
	return c.note(order, &v1alpha1.ManualApplication{
		Reference: reference, By: strings.TrimSpace(c.r.PostFormValue(fieldBy)), Time: &metav1.Time{Time: c.Clock.Now()},
	})
}

func (c *call) noteStop() error {
	if err := c.form(); err != nil {
		return err
	}
	order, err := c.ordered()
	if err != nil {
		return err
	}
	if err := c.refuseStale(seenOf(order, nil)); err != nil {
		return err
	}
	return c.note(order, nil)
}

func (c *call) note(order *v1alpha1.ManualOrder, application *v1alpha1.ManualApplication) error {
	if err := actions.NoteApplication(c.r.Context(), c.Access, order, application); err != nil {
		return err
	}
	c.leadTo(orderPath(order.Namespace, order.Name))
	return nil
}

// check judges the files that came, and keeps nothing of them.
func (c *call) check() error {
	came, err := c.readFiles()
	if is, isStatus := asStatus(err); isStatus {
		return is
	}
	order, found := c.ordered()
	if found != nil {
		return found
	}
	page, status := c.orderPage(order), http.StatusOK
	if err == nil {
		page.Checked, err = c.judge(order, came)
	}
	if err != nil {
		page.Refused, status = err.Error(), http.StatusUnprocessableEntity
	}
	c.write(status, "order", page)
	return nil
}

// judge is what came, if it can be used.
func (c *call) judge(order *v1alpha1.ManualOrder, came []*x509.Certificate) (*checked, error) {
	if err := actions.RefuseEnded(order); err != nil {
		return nil, err
	}
	made := &checked{}
	checking := actions.Checking{
		ControllerNamespace: c.ControllerNamespace, Now: c.Clock.Now(), Notef: func(format string, arguments ...any) {
			made.Notes = append(made.Notes, fmt.Sprintf(format, arguments...))
		},
	}
	issued, err := actions.Check(c.r.Context(), c.Access, order, came, checking)
	if refused, is := errors.AsType[*cluster.RefusedError](err); is {
		made.Notes = append(made.Notes, fmt.Sprintf("the chain is left to the controller: %v", refused))
		checking.SkipChain = true
		issued, err = actions.Check(c.r.Context(), c.Access, order, came, checking)
	}
	if err != nil {
		return nil, err
	}
	made.Issued, made.Certificates = issued, actions.Encode(issued.Leaf, came)
	made.Serial, made.Subject = pki.SerialNumber(issued.Leaf), pki.QuoteName(issued.Leaf.Subject)
	made.Seen = seenOf(order, issued.Changes)
	return made, nil
}

// complete brings what was checked, which is checked once more: a form says nothing that could be relied on.
func (c *call) complete() error {
	if err := c.form(); err != nil {
		return err
	}
	came, err := actions.Read(nil, "what was checked", []byte(c.r.PostFormValue(fieldChecked)))
	if err != nil {
		return err
	}
	order, err := c.ordered()
	if err != nil {
		return err
	}
	judged, err := c.judge(order, came)
	if err != nil {
		return err
	}
	if err := c.refuseStale(judged.Seen); err != nil {
		return err
	}
	if err := actions.Complete(c.r.Context(), c.Access, order, judged.Certificates); err != nil {
		return err
	}
	c.leadTo(orderPath(order.Namespace, order.Name))
	return nil
}

// readFiles reads what was chosen, dropped or pasted. Nothing is written to a disk, as the form parser of net/http
// would: a private key may be among it.
func (c *call) readFiles() ([]*x509.Certificate, error) {
	parts, err := c.r.MultipartReader()
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "This form has no files: open the page anew, and choose them."}
	}
	var came []*x509.Certificate
	var refused error
	isOurs := false
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tooLong(err)
		}
		content, err := io.ReadAll(io.LimitReader(part, delivery.MaximumBytes+1))
		if err != nil {
			return nil, tooLong(err)
		}
		switch name := part.FormName(); {
		case name == formToken:
			isOurs = c.guard.isForm(string(content))
		case name != fieldFiles && name != fieldPasted || len(content) == 0 || refused != nil:
		default:
			came, refused = actions.Read(came, nameOfPart(part), content)
		}
		clear(content)
	}
	switch {
	case !isOurs:
		return nil, c.ours("")
	case refused == nil && len(came) == 0:
		return nil, &statusError{
			http.StatusUnprocessableEntity, "Nothing came: choose the file that was sent, or paste the mail.",
		}
	default:
		return came, refused
	}
}

func nameOfPart(part *multipart.Part) string {
	if name := part.FileName(); name != "" {
		return actions.Visible(name)
	}
	return "what was pasted"
}

// tooLong says why a form could not be read.
func tooLong(err error) error {
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return &statusError{http.StatusRequestEntityTooLarge, "That is more than 1 MiB: bring only what was sent."}
	}
	return &statusError{http.StatusBadRequest, "The form has not arrived whole: send it once more."}
}

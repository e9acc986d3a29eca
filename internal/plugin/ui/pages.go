package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// mostCards is how many rows have a card. All are in the table.
const mostCards = 40

// overviewPage is whose turn it is, the timeline, and the table.
type overviewPage struct {
	layout

	Cards []overview.Row
	// More is how many have no card for want of room.
	More     int
	Timeline timeline
	Rows     []overview.Row
}

func (c *call) overview() error {
	page := &overviewPage{
		layout: c.fresh(c.language.say("What waits for whom"), "/"), Rows: c.shown.rows,
		Timeline: timelineOf(c.shown.rows, c.Clock.Now()),
	}
	page.Reloads = true
	for i := range page.Rows { // they come by urgency
		if row := &page.Rows[i]; row.Turn == overview.Nobody && row.Severity == overview.OK {
			continue
		}
		if len(page.Cards) == mostCards {
			page.More++
			continue
		}
		page.Cards = append(page.Cards, page.Rows[i])
	}
	c.write(http.StatusOK, "overview", page)
	return nil
}

// objectPage is what one waits for, object by object.
type objectPage struct {
	layout

	Row *overview.Row
	// History of its VeroOrder, nil if it has none.
	History *v1alpha1.VeroOrderStatus
	Events  []actions.Event
	// NoEvents is why there are none, or not all; empty if they could be read.
	NoEvents string
	// Notice is where the change notice is that is due, empty if none is.
	Notice string
}

func (c *call) object() error {
	kind, namespace, name := c.r.PathValue("kind"), c.r.PathValue("namespace"), c.r.PathValue("name")
	i := slices.IndexFunc(c.shown.rows, func(row overview.Row) bool {
		return row.Kind == kind && row.Namespace == namespace && row.Name == name
	})
	if i < 0 {
		return c.nothing()
	}
	row := &c.shown.rows[i]
	page := &objectPage{layout: c.fresh(name, c.r.URL.Path), Row: row}
	page.Reloads = true
	if row.Reason == v1alpha1.ReasonChanged {
		page.Notice = noticePath(namespace, name)
	}
	if step := row.Step(overview.KindVeroOrder); step != nil {
		order := &v1alpha1.VeroOrder{}
		key := types.NamespacedName{Namespace: step.Namespace, Name: step.Name}
		if err := c.Access.Get(c.r.Context(), key, order); err == nil {
			page.History = &order.Status
		}
	}
	var err error
	if page.Events, err = actions.Events(c.r.Context(), c.Access, row.Chain); err != nil {
		page.NoEvents = err.Error()
	}
	c.write(http.StatusOK, "object", page)
	return nil
}

// noticePage is a mail that somebody has to send.
type noticePage struct {
	layout

	Namespace, Name string
	To, Subject     string
	Text            string
	// Digest is that of the certificate which the notice is about.
	Digest string
	// Mail is the address that opens a mail program with it.
	Mail string
}

func (c *call) tracked() (*v1alpha1.TrackedCertificate, error) {
	namespace, name := c.r.PathValue("namespace"), c.r.PathValue("name")
	tracked := &v1alpha1.TrackedCertificate{}
	err := c.Access.Get(c.r.Context(), types.NamespacedName{Namespace: namespace, Name: name}, tracked)
	if cluster.IsGone(err) {
		return nil, c.nothing()
	}
	if err := cluster.Explain(err, "get", actions.TrackedCertificates, namespace, "get it"); err != nil {
		return nil, err
	}
	return tracked, actions.RefuseNotice(tracked)
}

func (c *call) notice() error {
	tracked, err := c.tracked()
	if err != nil {
		return err
	}
	told := tracked.Status.Notice
	page := &noticePage{
		layout:    c.layout(c.language.say("Change notice"), c.r.URL.Path),
		Namespace: tracked.Namespace, Name: tracked.Name, To: told.To, Subject: told.Subject,
		Text: actions.NoticeText(tracked), Digest: told.Digest,
	}
	page.Mail = mailto(told.To, told.Subject, page.Text)
	c.write(http.StatusOK, "notice", page)
	return nil
}

// mailto is an address of a mail (RFC 6068): in a query a blank is %20, and lines end with %0D%0A.
func mailto(to, subject, text string) string {
	escape := strings.NewReplacer("+", "%20", "%0A", "%0D%0A")
	address := url.URL{Scheme: "mailto", Opaque: url.PathEscape(to)}
	return address.String() + "?subject=" + escape.Replace(url.QueryEscape(subject)) +
		"&body=" + escape.Replace(url.QueryEscape(text))
}

func (c *call) acknowledge() error {
	if err := c.form(); err != nil {
		return err
	}
	tracked, err := c.tracked()
	if err != nil {
		return err
	}
	if err := c.refuseStale(tracked.Status.Notice.Digest); err != nil {
		return err
	}
	if err := actions.Acknowledge(c.r.Context(), c.Access, tracked); err != nil {
		return err
	}
	c.leadTo(objectPath(overview.KindTrackedCertificate, tracked.Namespace, tracked.Name))
	return nil
}

// form reads a form, and refuses one that is not ours.
func (c *call) form() error {
	if err := c.r.ParseForm(); err != nil {
		return tooLong(err)
	}
	return c.ours(c.r.PostFormValue(formToken))
}

func (c *call) ours(token string) error {
	if !c.guard.isForm(token) {
		return &statusError{http.StatusForbidden, "This form is of another page, or of one that has ended: open it anew."}
	}
	return nil
}

// leadTo has the browser ask for another page.
func (c *call) leadTo(path string) {
	http.Redirect(c.w, c.r, (&url.URL{Path: path}).String(), http.StatusSeeOther)
}

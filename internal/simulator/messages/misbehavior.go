package messages

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/wire"
)

// behavior is what a kind of fault does.
type behavior struct {
	// prepare, when not nil, comes before everything.
	prepare func(c *call)
	// processes is true when the call has its effect before the fault strikes.
	processes bool
	// strike answers the call, or does not; nil means that the fault has struck already.
	strike func(c *call)
}

// behaviors has an entry for every kind; a test compares it with admin.MessagesFaultKinds.
var behaviors = map[admin.MessagesFaultKind]behavior{
	admin.MessagesDropBefore:    {strike: func(*call) { wire.Drop() }},
	admin.MessagesTimeoutBefore: {strike: func(c *call) { c.hold(); wire.Drop() }},
	admin.MessagesTimeoutAfter:  {processes: true, strike: func(c *call) { c.hold(); c.deliver() }},
	admin.MessagesReset:         {processes: true, strike: func(c *call) { wire.Abort(c.writer) }},
	admin.MessagesLater:         {processes: true, strike: postpone},
	admin.MessagesHTTPStatus:    {strike: respondAsGateway},
	admin.MessagesStranger:      {strike: respondToStranger},
	admin.MessagesRedirect:      {strike: respondWithRedirect},
	admin.MessagesTruncated:     {processes: true, strike: respondTruncated},
	admin.MessagesOversize:      {processes: true, strike: func(c *call) { respondTruncated(c); wire.Flood(c.writer) }},
	admin.MessagesSlow:          {processes: true, strike: respondSlowly},
	admin.MessagesLockOut:       {processes: true},
	admin.MessagesAttemptLimit:  {processes: true},
	admin.MessagesPolicy:        {processes: true},
	admin.MessagesRevoke:        {prepare: revoke, processes: true},
	admin.MessagesChanged:       {prepare: changeBySomebody, processes: true},
	admin.MessagesEcho:          {strike: respondWithEcho},
}

// run processes the call and answers it, or lets the fault strike before or after that.
func (c *call) run() {
	if c.hit == nil {
		c.process()
		c.conclude()
		c.deliver()
		return
	}
	c.fault = c.hit.Fault
	behavior := behaviors[c.fault.Kind]
	if behavior.prepare != nil {
		behavior.prepare(c)
	}
	if behavior.processes || c.fault.AfterProcessing {
		c.process()
	}
	c.conclude()
	if behavior.strike == nil {
		c.deliver()
		return
	}
	behavior.strike(c)
}

func (c *call) hold() {
	wire.Hold(c.incoming.Context(), c.service.options.Clock, time.Duration(c.fault.Hold))
}

// postpone loses the response to a change that will be made; a change that was refused is answered.
func postpone(c *call) {
	if c.postponed {
		wire.Drop()
	}
	c.service.faults.GiveBack(c.hit)
	c.deliver()
}

// respondAsGateway says what something in front of the service says, which speaks HTML.
func respondAsGateway(c *call) {
	status := cmp.Or(c.fault.Status, http.StatusBadGateway)
	wire.AskForTime(c.writer, time.Duration(c.fault.RetryAfter))
	c.writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.writer.WriteHeader(status)
	_, _ = fmt.Fprintf(c.writer, "<html><head><title>%d %s</title></head><body><h1>%[2]s</h1></body></html>\n",
		status, http.StatusText(status))
}

func respondToStranger(c *call) {
	c.prepare(http.StatusForbidden, map[string]any{"message": "Forbidden"})
	c.deliver()
}

// respondWithRedirect says 307, with which a careless client would send the passwords elsewhere.
func respondWithRedirect(c *call) {
	http.Redirect(c.writer, c.incoming, "/v1/moved", http.StatusTemporaryRedirect)
}

func respondTruncated(c *call) {
	c.document = c.document[:len(c.document)/2]
	c.deliver()
}

func respondSlowly(c *call) {
	interval := cmp.Or(time.Duration(c.fault.Interval), time.Second)
	wire.Trickle(c.writer, jsonType, c.document, func() bool {
		return wire.Wait(c.incoming.Context(), c.service.options.Clock, interval)
	})
}

func revoke(c *call) {
	_ = c.service.with(c.systemID, func(a *account, _ time.Time) { a.revoke() })
}

func changeBySomebody(c *call) {
	_ = c.service.SetPassword(c.systemID, c.fault.Password)
}

func respondWithEcho(c *call) {
	c.refuse(http.StatusBadRequest, fmt.Sprintf("Refused %s %s", c.body, c.incoming.Header.Get("Authorization")))
	c.deliver()
}

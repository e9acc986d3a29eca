package messages

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/script"
)

// maximumBody bounds what a client may send.
const maximumBody = 64 << 10

const jsonType = "application/json"

// routes are the calls by method and path.
var routes = map[string]admin.MessagesOperation{
	"POST /v1/token":           admin.MessagesToken,
	"POST /v1/change-password": admin.MessagesChange,
	"GET /v2/events":           admin.MessagesEvents,
}

// Serves reports whether a path belongs to this API.
func Serves(path string) bool {
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v2/")
}

// call is one call on its way to a response.
type call struct {
	service   *Service
	writer    http.ResponseWriter
	incoming  *http.Request
	operation admin.MessagesOperation
	body      []byte
	sent      body
	// systemID is whose call it is; empty if that cannot be known.
	systemID string
	fault    admin.MessagesFault
	hit      *script.Hit[admin.MessagesFault]
	// status and document are the response once the call has been processed; postponed is true for a change that will
	// be made later.
	status    int
	document  []byte
	postponed bool
}

// body is what the calls send. Fields that are not here are passed over.
type body struct {
	Username        string `json:"username"`
	Password        string `json:"password"`
	AccessToken     string `json:"accessToken"`
	CurrentPassword string `json:"currentPassword"`
	NewPassword     string `json:"newPassword"`
}

// ServeHTTP answers a call. It has to be served with HTTP/1.1, since faults take connections over.
func (s *Service) ServeHTTP(writer http.ResponseWriter, incoming *http.Request) {
	operation, known := routes[incoming.Method+" "+incoming.URL.Path]
	made := &call{service: s, writer: writer, incoming: incoming, operation: operation}
	if !known {
		made.refuse(http.StatusNotFound, "Not found")
		made.deliver()
		return
	}
	if problem := made.read(); problem != "" {
		made.refuse(http.StatusBadRequest, problem)
		made.conclude()
		made.deliver()
		return
	}
	made.identify()
	made.hit = s.faults.Take(func(fault admin.MessagesFault) bool {
		return fault.Strikes(operation, made.systemID)
	}, s.options.Clock.Now())
	made.run()
}

// read takes the body of a POST; problem is empty, or says what is wrong with it.
func (c *call) read() (problem string) {
	if c.operation == admin.MessagesEvents {
		return ""
	}
	media, _, err := mime.ParseMediaType(c.incoming.Header.Get("Content-Type"))
	if err != nil || media != jsonType {
		return "The Content-Type is not application/json"
	}
	c.body, err = io.ReadAll(http.MaxBytesReader(c.writer, c.incoming.Body, maximumBody))
	if err != nil {
		return "The body is too large, or not complete"
	}
	if json.Unmarshal(c.body, &c.sent) != nil {
		return "The body is not the JSON of this call"
	}
	required := []string{c.sent.Username, c.sent.Password}
	if c.operation == admin.MessagesChange {
		required = []string{c.sent.AccessToken, c.sent.CurrentPassword, c.sent.NewPassword}
	}
	if slices.Contains(required, "") {
		return "A field is missing"
	}
	return ""
}

// identify finds out whose call it is: by its username, or by its token, whatever that is still good for.
func (c *call) identify() {
	if c.operation == admin.MessagesToken {
		c.systemID = c.sent.Username
		return
	}
	value := c.sent.AccessToken // of a change the header is ignored
	if c.operation == admin.MessagesEvents {
		value = c.authorization()
	}
	c.service.mutex.Lock()
	defer c.service.mutex.Unlock()
	for systemID, known := range c.service.accounts {
		if known.find(value) != nil {
			c.systemID = systemID
			return
		}
	}
}

// authorization is the token of the header, with "Bearer " in front of it or without.
func (c *call) authorization() string {
	value := c.incoming.Header.Get("Authorization")
	if scheme, bearer, found := strings.Cut(value, " "); found && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(bearer)
	}
	return value
}

// process lets the call have its effect and prepares the response.
func (c *call) process() {
	found := c.service.with(c.systemID, func(a *account, now time.Time) {
		switch c.operation {
		case admin.MessagesToken:
			c.logIn(a, now)
		case admin.MessagesChange:
			c.change(a, now)
		default:
			c.fetch(a, now)
		}
	})
	switch {
	case found == nil:
	case c.operation == admin.MessagesToken:
		c.refuse(http.StatusBadRequest, incorrect)
	case c.operation == admin.MessagesChange:
		c.refuse(http.StatusBadRequest, invalidToken)
	default:
		c.refuse(http.StatusUnauthorized, invalidToken)
	}
}

func (c *call) logIn(a *account, now time.Time) {
	made := a.logIn(c.service.digest(c.sent.Password), c.fault.Kind, now)
	if made == nil {
		c.refuse(http.StatusBadRequest, incorrect)
		return
	}
	response := map[string]any{"access_token": made.value, "token_type": "Bearer"}
	if !a.settings.HideLifetime {
		response["expires_in"] = int64(time.Duration(a.settings.TokenLifetime) / time.Second)
	}
	c.prepare(http.StatusOK, response)
}

func (c *call) change(a *account, now time.Time) {
	postponed := time.Duration(c.fault.After)
	if postponed == 0 {
		postponed = time.Minute
	}
	reason, later := a.change(asked{
		token: a.find(c.sent.AccessToken), current: c.service.digest(c.sent.CurrentPassword),
		next: c.service.digest(c.sent.NewPassword), objection: objection(c.sent.NewPassword),
		postponed: postponed, fault: c.fault.Kind,
	}, now)
	if reason != "" {
		c.refuse(http.StatusBadRequest, reason)
		return
	}
	// The real service has both: an empty object, and no body.
	c.service.changed++
	c.status, c.document, c.postponed = http.StatusOK, []byte("{}"), later
	if c.service.changed%2 == 0 {
		c.document = nil
	}
}

// refuse prepares a refusal.
func (c *call) refuse(status int, reason string) { c.prepare(status, map[string]any{"reason": reason}) }

// prepare makes a response of JSON, with fields that no client knows: new ones may appear without notice.
func (c *call) prepare(status int, fields map[string]any) {
	fields["traceId"] = strings.ToLower(rand.Text())
	fields["simulator"] = map[string]any{"notForProduction": true, "since": []int{1, 2, 3}}
	document, err := json.Marshal(fields)
	if err != nil { // texts and numbers only
		document = nil
	}
	c.status, c.document = status, document
}

func (c *call) deliver() {
	if c.document != nil {
		c.writer.Header().Set("Content-Type", jsonType)
	}
	c.writer.WriteHeader(c.status)
	// A client that has gone away needs no response.
	_, _ = c.writer.Write(c.document)
}

// conclude logs the call; nothing that opens anything is in it.
func (c *call) conclude() {
	c.service.options.Log.Info("Messages API", "operation", c.operation, "systemId", c.systemID,
		"httpStatus", c.status, "fault", c.fault.Kind)
}

package ui

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

//go:embed static
var static embed.FS

// handler is everything that the page answers at an address.
func (s *Server) handler(address string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathStyle, serveFile("text/css; charset=utf-8", "static/style.css"))
	mux.HandleFunc("GET /script.js", serveFile("text/javascript; charset=utf-8", "static/script.js"))
	mux.HandleFunc("GET "+pathVersion, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, s.board.now().version)
	})
	for pattern, page := range map[string]func(*call) error{
		"GET /{$}":                                  (*call).overview,
		"GET /objects/{kind}/{namespace}/{name}":    (*call).object,
		"GET /orders/{namespace}/{name}":            (*call).order,
		"GET /orders/{namespace}/{name}/csr":        (*call).request,
		"GET /orders/{namespace}/{name}/csr.der":    (*call).requestDER,
		"POST /orders/{namespace}/{name}/reference": (*call).noteApplication,
		"POST /orders/{namespace}/{name}/stopped":   (*call).noteStop,
		"POST /orders/{namespace}/{name}/check":     (*call).check,
		"POST /orders/{namespace}/{name}/complete":  (*call).complete,
		"GET /tracked/{namespace}/{name}/notice":    (*call).notice,
		"POST /tracked/{namespace}/{name}/notice":   (*call).acknowledge,
		"/": (*call).nothing,
	} {
		mux.HandleFunc(pattern, s.page(page))
	}
	return s.guard.protect(address, mux)
}

func serveFile(kind, name string) http.HandlerFunc {
	content, err := static.ReadFile(name)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// call is one request of a person.
type call struct {
	*Server

	w        http.ResponseWriter
	r        *http.Request
	language language
	shown    shown
}

// page answers with a page, and with one that says why where there is an error.
func (s *Server) page(answer func(*call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if isPerson(r) {
			s.seen()
		}
		c := &call{Server: s, w: w, r: r, language: choose(w, r), shown: s.board.now()}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maximumBody)
		}
		if err := answer(c); err != nil {
			c.fail(err)
		}
	}
}

// byItself marks what a page asks for by itself, with script or without.
const byItself = "again"

// isPerson reports whether a person asks, and not a page that refreshes by itself. Sec-Fetch-User would tell, too, but
// Safari does not send it.
func isPerson(r *http.Request) bool { return !r.URL.Query().Has(byItself) }

// fail answers with a page that says what is wrong.
func (c *call) fail(err error) {
	status, problem := http.StatusUnprocessableEntity, err.Error()
	if is, isStatus := asStatus(err); isStatus {
		status = is.code
	}
	c.write(status, "problem", &problemPage{layout: c.layout(c.language.say("That did not work"), "/"), Failure: problem})
}

// nothing answers for what is not there.
func (*call) nothing() error { return &statusError{http.StatusNotFound, "There is no such page."} }

// path is where the page of a row is: that of its manual order while somebody has to do something for it.
func path(row *overview.Row) string {
	if order := row.Step(overview.KindManualOrder); order != nil && order.State != "Issued" {
		return orderPath(order.Namespace, order.Name)
	}
	return objectPath(row.Kind, row.Namespace, row.Name)
}

func orderPath(namespace, name string) string { return "/orders/" + namespace + "/" + name }

func objectPath(kind, namespace, name string) string {
	return "/objects/" + kind + "/" + namespace + "/" + name
}

func noticePath(namespace, name string) string {
	return "/tracked/" + namespace + "/" + name + "/notice"
}

// statusError is an error with the code that it is answered with.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

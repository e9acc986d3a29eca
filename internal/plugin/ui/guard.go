package ui

import (
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"slices"
)

const (
	pathStart = "/start"
	pathStyle = "/style.css"
	// pathVersion tells whether there is something new; asking for it is not a person's doing.
	pathVersion = "/version"

	// cookiePrefix and the port name the cookie: browsers do not tell ports apart, and there may be two pages.
	cookiePrefix = "varmenne-"
	formToken    = "token"
)

// policy lets a page load its stylesheet and script from here, send its forms here, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard keeps away whoever has not started the page: other pages in the browser, which can send requests to loopback
// and point names at it (DNS rebinding), and other accounts of the machine, which can connect to every port.
type guard struct {
	// start is the secret in the address that was printed, session that in the cookie which it is exchanged for, and form
	// is in every form.
	start, session, form string
}

// gate is a guard at an address.
type gate struct {
	*guard

	// hosts are the names of the page, and cookie is that of its cookie.
	hosts  []string
	cookie string
	next   http.Handler
}

// protect lets through what a person sends from the page at an address.
func (g *guard) protect(address string, next http.Handler) http.Handler {
	host, port, _ := net.SplitHostPort(address)
	hosts := []string{address, net.JoinHostPort("localhost", port)}
	if port == "80" { // which browsers leave out
		hosts = append(hosts, host, "localhost")
	}
	return &gate{guard: g, hosts: hosts, cookie: cookieAt(port), next: next}
}

// cookieAt is the name of the cookie of the page at a port.
func cookieAt(port string) string { return cookiePrefix + port }

// ServeHTTP refuses a request, or lets it through.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	switch refused := refusal(r, g.hosts); {
	case refused != "":
		http.Error(w, refused, http.StatusForbidden)
	case r.URL.Path == pathStart:
		g.letIn(w, r)
	case r.URL.Path == pathStyle:
		g.next.ServeHTTP(w, r)
	case !g.knows(r):
		http.Error(w, "This page is for whoever has started it: open the address that kubectl varmenne ui has printed.",
			http.StatusForbidden)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// harden tells the browser to keep others out. Were no-referrer the policy, it would hide the origin of our own forms.
func harden(header http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "clipboard-write=(self)",
	} {
		header.Set(name, value)
	}
}

// refusal says why a request cannot come from a person at this page, empty if it can.
func refusal(r *http.Request, hosts []string) string {
	if !slices.Contains(hosts, r.Host) {
		return "This page has another name: open the address that kubectl varmenne ui has printed."
	}
	const elsewhere = "This request comes from another page."
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return elsewhere
	}
	switch {
	case isOurs(r):
		return ""
	case r.URL.Path == pathStart && r.Header.Get("Sec-Fetch-Mode") == "navigate":
		return "" // a link in a chat, or in a terminal that is a page: the secret decides
	default:
		return elsewhere
	}
}

// letIn exchanges the secret of the start for a cookie.
func (g *gate) letIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !same(r.URL.Query().Get("secret"), g.start) {
		http.Error(w, "The address is not complete, or of a page that has ended: open the one that kubectl varmenne ui has "+
			"printed.", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // there is no TLS on loopback
		Name: g.cookie, Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	if isOurs(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	// What another page leads to has no strict cookie, wherever it is redirected; what a page of ours leads to has.
	w.Header().Set("Referrer-Policy", "no-referrer") // the address has the secret
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!DOCTYPE html><title>varmenne</title><meta http-equiv="refresh" content="0; url=/">`+
		`<a href="/">varmenne</a>`)
}

// isOurs reports whether the person has typed the address, or a page of ours leads to it.
func isOurs(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// knows reports whether a request has the cookie.
func (g *gate) knows(r *http.Request) bool {
	cookie, err := r.Cookie(g.cookie)
	return err == nil && same(cookie.Value, g.session)
}

// isForm reports whether a form is one of ours.
func (g *guard) isForm(token string) bool { return same(token, g.form) }

func same(one, other string) bool { return subtle.ConstantTimeCompare([]byte(one), []byte(other)) == 1 }

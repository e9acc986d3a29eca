package ui

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestAPageHasNoNameButItsOwn: whoever can have a name point at loopback, and a browser ask for it, is refused.
func TestAPageHasNoNameButItsOwn(t *testing.T) {
	for _, c := range []struct {
		address   string
		has, lack []string
	}{
		{
			"127.0.0.1:8090", []string{"127.0.0.1:8090", "localhost:8090"},
			[]string{
				"127.0.0.1", "127.0.0.1:80", "127.0.0.1:18090", "127.0.0.2:8090", "0.0.0.0:8090", "[::1]:8090", "127.1:8090",
				"localhost", "localhost.:8090", "localhost.evil.example:8090", "127.0.0.1.nip.io:8090", "evil.example:8090",
				"127.0.0.1:8090@evil.example", "127.0.0.1:8090.evil.example", "[::ffff:127.0.0.1]:8090", ":8090", "null",
			},
		},
		{"[::1]:8090", []string{"[::1]:8090", "localhost:8090"},
			[]string{"[::1]", "::1:8090", "127.0.0.1:8090", "[::2]:8090"}},
		// Browsers leave out the port of the scheme.
		{"127.0.0.1:80", []string{"127.0.0.1", "localhost", "127.0.0.1:80"}, []string{"evil.example", "127.0.0.1:8080"}},
	} {
		g := &guard{session: "session"}
		_, port, _ := net.SplitHostPort(c.address)
		protected := g.protect(c.address, http.NotFoundHandler())
		ask := func(host string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host = host
			r.AddCookie(&http.Cookie{Name: cookieAt(port), Value: g.session})
			w := httptest.NewRecorder()
			protected.ServeHTTP(w, r)
			return w.Code
		}
		for _, host := range c.has {
			if code := ask(host); code != http.StatusNotFound {
				t.Errorf("at %s the name %s is answered with %d", c.address, host, code)
			}
		}
		for _, host := range c.lack {
			if code := ask(host); code != http.StatusForbidden {
				t.Errorf("at %s the name %s is answered with %d", c.address, host, code)
			}
		}
	}
}

// TestNoOtherPageIsTakenForThisOne, whatever a browser says of where a request comes from.
func TestNoOtherPageIsTakenForThisOne(t *testing.T) {
	s := serve(t)
	start := pathStart + "?secret=" + s.guard.start
	for _, c := range []struct {
		path, origin, site, mode string
		code                     int
	}{
		{"/", "http://" + address, "same-origin", "cors", 200},
		{"/", "http://localhost:8090", "same-origin", "cors", 403}, // of the other name, by which it was not asked
		{"/", "https://" + address, "", "", 403},
		{"/", "http://127.0.0.1:8091", "", "", 403},
		{"/", "http://" + address + ".evil.example", "", "", 403},
		{"/", "", "cross-site", "navigate", 403},
		{"/", "", "same-site", "no-cors", 403},
		{"/", "", "unheard-of", "navigate", 403},
		{"/style.css", "", "cross-site", "no-cors", 403}, // by which a page would learn that this one is open
		{"/script.js", "", "cross-site", "no-cors", 403},
		{pathVersion, "", "cross-site", "no-cors", 403},
		{start, "", "none", "navigate", 303},
		{start, "", "cross-site", "navigate", 200},
		{start, "", "cross-site", "no-cors", 403},
		{start, "http://evil.example", "cross-site", "navigate", 403}, // a form
	} {
		response := s.ask(t, http.MethodGet, c.path, nil, func(r *http.Request) {
			for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode} {
				r.Header.Set(name, value)
			}
		})
		if response.StatusCode != c.code {
			t.Errorf("%+v is answered with %d", c, response.StatusCode)
		}
		if c.code == http.StatusForbidden && len(response.Cookies()) != 0 {
			t.Errorf("%+v gets a cookie", c)
		}
	}
}

// TestTheStartGivesACookieThatStaysHere, each time: whoever has closed the browser opens the address once more.
func TestTheStartGivesACookieThatStaysHere(t *testing.T) {
	s, before := serve(t), serve(t)
	for range 2 {
		response := s.ask(t, http.MethodGet, pathStart+"?secret="+s.guard.start, nil, func(r *http.Request) {
			r.Header.Del("Cookie")
		})
		const wants = "varmenne-8090=%s; Path=/; HttpOnly; SameSite=Strict"
		if got := response.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != fmt.Sprintf(wants, s.guard.session) {
			t.Errorf("it sets the cookie %s", got)
		}
		if to := response.Header.Get("Location"); to != "/" {
			t.Errorf("it leads to %s", to)
		}
	}
	for claim, c := range map[string]struct{ method, query string }{
		"without a secret":          {http.MethodGet, ""},
		"with an empty one":         {http.MethodGet, "?secret="},
		"with a part of it":         {http.MethodGet, "?secret=" + s.guard.start[:20]},
		"with more than it":         {http.MethodGet, "?secret=" + s.guard.start + "A"},
		"with that of another page": {http.MethodGet, "?secret=" + before.guard.start},
		"with that of the cookie":   {http.MethodGet, "?secret=" + s.guard.session},
		"with that of the forms":    {http.MethodGet, "?secret=" + s.guard.form},
		"by a form":                 {http.MethodPost, "?secret=" + s.guard.start},
		"by a look":                 {http.MethodHead, "?secret=" + s.guard.start},
	} {
		response := s.ask(t, c.method, pathStart+c.query, nil, nil)
		if response.StatusCode != http.StatusForbidden || len(response.Cookies()) != 0 {
			t.Errorf("%s it is answered with %d and %v", claim, response.StatusCode, response.Cookies())
		}
	}
	for claim, value := range map[string]string{
		"of a page before": before.guard.session, "that is empty": "", "of the start": s.guard.start,
		"of a form": s.guard.form,
	} {
		response := s.ask(t, http.MethodGet, "/", nil, func(r *http.Request) {
			r.Header.Set("Cookie", cookieAt("8090")+"="+value)
		})
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("with a cookie %s it is answered with %d", claim, response.StatusCode)
		}
	}
}

// TestNoFormIsTakenOfAnotherPage, nor one that is not a form.
func TestNoFormIsTakenOfAnotherPage(t *testing.T) {
	s, before := serve(t, manualOrder(t)), serve(t)
	const plain = "application/x-www-form-urlencoded"
	long := strings.Repeat("a", maximumBody)
	for _, path := range []string{
		s.order() + "/reference", s.order() + "/stopped", s.order() + "/check",
		s.order() + "/complete", "/tracked/stamps/any/notice",
	} {
		for claim, c := range map[string]struct{ kind, query, body string }{
			"with the token of a page before": {plain, "", "token=" + before.guard.form},
			"with the token in its address":   {plain, "?token=" + s.guard.form, "reference=7"},
			"as text":                         {"text/plain", "", "reference=7&token=" + s.guard.form},
			"as JSON":                         {"application/json", "", `{"token":"` + s.guard.form + `"}`},
			"too long":                        {plain, "", "reference=" + long + "&token=" + s.guard.form},
			"cut off":                         {"multipart/form-data; boundary=b", "", "--b\r\nContent-Disp"},
		} {
			response := s.ask(t, http.MethodPost, path+c.query, strings.NewReader(c.body), func(r *http.Request) {
				r.Header.Set("Content-Type", c.kind)
			})
			if code := response.StatusCode; code != 400 && code != 403 && code != 413 {
				t.Errorf("%s, %s: %d", path, claim, code)
			}
			if strings.Contains(contentOf(t, response), s.guard.start) {
				t.Errorf("%s, %s: the answer has the secret of the start", path, claim)
			}
		}
	}
	content := contentOf(t, s.ask(t, http.MethodGet, s.order(), nil, nil))
	if strings.Contains(content, "Noted:") {
		t.Error("one of them was taken")
	}
}

// TestEveryAnswerIsHardened, whatever was asked, and none lets script stand in a page.
func TestEveryAnswerIsHardened(t *testing.T) {
	s := serve(t, manualOrder(t), certificate(1))
	for _, unsafe := range []string{"unsafe", "*", "http", "blob"} {
		if strings.Contains(policy, unsafe) {
			t.Errorf("the policy has %s: %s", unsafe, policy)
		}
	}
	var before http.Header
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions,
		http.MethodTrace, http.MethodConnect, "NOTHING",
	} {
		for _, path := range []string{
			"/", "//evil.example", "/../..", "/nothing", "/style.css", "/script.js", pathVersion, pathStart, "/static/script.js",
			"/objects/Certificate/" + s.namespace + "/certificate-001", s.order(), s.order() + "/csr",
			s.order() + "/csr.der", s.order() + "/check", "/orders/stamps/none", "/tracked/a/b/notice",
		} {
			response := s.ask(t, method, path, nil, nil)
			header := http.Header{}
			for name := range response.Header {
				if strings.HasPrefix(name, "Cross-") || strings.HasPrefix(name, "X-") || strings.HasSuffix(name, "-Policy") {
					header[name] = response.Header[name]
				}
			}
			header["Cache-Control"] = response.Header["Cache-Control"]
			if before == nil {
				before = header
			}
			if got, want := fmt.Sprint(header), fmt.Sprint(before); got != want {
				t.Errorf("%s %s has %s\nand not %s", method, path, got, want)
			}
			if to := response.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, ":") {
				t.Errorf("%s %s leads to %s", method, path, to)
			}
			content := contentOf(t, response)
			if kind := response.Header.Get("Content-Type"); content != "" && kind == "" {
				t.Errorf("%s %s has no type", method, path)
			}
			if strings.Contains(content, " style=") || strings.Contains(content, "<script>") ||
				strings.Contains(content, "onclick=") {
				t.Errorf("%s %s has what the policy forbids", method, path)
			}
		}
	}
	must.Contain(t, fmt.Sprint(before), policy, "nosniff", "DENY", "no-store", "same-origin")
}

package ui

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// victim is who is attacked in a browser that is logged in there.
type victim struct {
	start, origin string
	// post is the path of a form, marker what its pages say and nobody else must read.
	post, marker string
	// changed reports whether somebody has sent the form.
	changed func(t *testing.T) bool
}

// careless is a server that trusts whoever has the cookie: what the attacks can do where nothing stops them.
func careless(t *testing.T) victim {
	t.Helper()
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/", SameSite: http.SameSiteStrictMode})
			return
		}
		if _, err := r.Cookie("session"); err != nil && strings.HasPrefix(r.Host, "127.") {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		kind := "text/html"
		if r.URL.Path == "/script.js" {
			kind = "text/javascript"
		}
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, "/* confidential */")
	}))
	t.Cleanup(server.Close)
	return victim{start: server.URL + "/start", origin: server.URL, post: "/form", marker: "confidential",
		changed: func(*testing.T) bool { return posts.Load() > 0 }}
}

// attack is something that a page of somebody else does; it reports whether it has read anything. The page is that of
// the attacker.
type attack func(p *browser.Page, on victim) (read bool)

// attacks are by the claim about them. Another port of the same machine is same-site to a browser: it sends the cookie
// along.
func attacks() map[string]attack {
	return map[string]attack{
		"a page of theirs does not read ours": func(p *browser.Page, on victim) bool {
			return strings.Contains(browser.Evaluate[string](p, fmt.Sprintf(
				"fetch(%q, {credentials: 'include'}).then(r => r.text(), e => '')", on.origin+"/")), on.marker)
		},
		"nor sends a form from a script": func(p *browser.Page, on victim) bool {
			browser.Evaluate[string](p, fmt.Sprintf("fetch(%q, {method: 'POST', mode: 'no-cors', credentials: 'include', "+
				"body: new URLSearchParams({reference: 'theirs'})}).then(r => r.type, e => '')", on.origin+on.post))
			return false
		},
		"nor has the person send one": func(p *browser.Page, on victim) bool {
			browser.Evaluate[bool](p, fmt.Sprintf(`(form => { form.method = 'post'; form.action = %q;
				form.innerHTML = '<input name="reference" value="theirs">'; document.body.append(form); form.submit();
				return true })(document.createElement('form'))`, on.origin+on.post))
			p.Await(fmt.Sprintf("location.href.startsWith(%q) && document.readyState === 'complete'", on.origin))
			return strings.Contains(p.Text("body"), on.marker)
		},
		"nor shows ours in a frame": func(p *browser.Page, on victim) bool {
			browser.Evaluate[bool](p, fmt.Sprintf(`new Promise(done => { const frame = document.createElement('iframe');
				frame.onload = () => done(true); frame.src = %q; document.body.append(frame) })`, on.origin+"/"))
			return !slices.ContainsFunc(p.Errors(), func(text string) bool {
				return strings.Contains(text, "frame-ancestors") || strings.Contains(text, "X-Frame-Options")
			})
		},
		"nor runs what is ours as a script of theirs": func(p *browser.Page, on victim) bool {
			return browser.Evaluate[bool](p, fmt.Sprintf(`new Promise(done => { const script = document.createElement('script');
				script.onload = () => done(true); script.onerror = () => done(false); script.src = %q;
				document.body.append(script) })`, on.origin+"/script.js"))
		},
	}
}

// rebinding are attacks from a name of theirs that has become the address of this machine, so that to the browser our
// pages are theirs.
func rebinding() map[string]attack {
	return map[string]attack{
		"a name of theirs that leads here does not read ours": func(p *browser.Page, on victim) bool {
			p.Visit(rebound(on))
			return strings.Contains(p.Text("body"), on.marker)
		},
		"nor sends a form": func(p *browser.Page, on victim) bool {
			p.Visit(rebound(on))
			browser.Evaluate[int](p, fmt.Sprintf("fetch(%q, {method: 'POST', body: new URLSearchParams("+
				"{reference: 'theirs'})}).then(r => r.status)", on.post))
			return false
		},
	}
}

// rebound is the address of the victim under the attacker's name.
func rebound(on victim) string {
	return strings.Replace(on.origin, "127.0.0.1", browser.HostileHost, 1) + "/"
}

// attackers serves an empty page, and returns its address under the names of an attacker.
func attackers(t *testing.T) (anotherPort, anotherSite string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Theirs</title><body>")
	}))
	t.Cleanup(server.Close)
	return server.URL, strings.Replace(server.URL, "127.0.0.1", browser.HostileHost, 1)
}

// reaches reports whether an attack from an address reaches a victim that the window has logged in to.
func reaches(t *testing.T, does attack, address string, on victim) bool {
	t.Helper()
	p := chromium.Get(t).Open(t, browser.Look{Hostile: true})
	p.Visit(on.start)
	p.Visit(address)
	read := does(p, on)
	return on.changed(t) || read
}

// TestTheAttacksReachAServerThatTrustsACookie, so that the next test says something.
func TestTheAttacksReachAServerThatTrustsACookie(t *testing.T) {
	t.Parallel()
	chromium.Get(t)
	address, _ := attackers(t)
	all := attacks()
	maps.Copy(all, rebinding())
	for claim, does := range all {
		t.Run("not so here: "+claim, func(t *testing.T) {
			t.Parallel()
			if !reaches(t, does, address, careless(t)) {
				t.Error("the attack does not work")
			}
		})
	}
}

// TestNothingOfAnAttackerReachesThePage, whose person may do everything that the page offers, and is logged in.
func TestNothingOfAnAttackerReachesThePage(t *testing.T) {
	t.Parallel()
	chromium.Get(t)
	e := shared.Get(t)
	m := beginManual(begin(t, e, "attacked"))
	order := m.next()
	s := serve(m.Tenant, e, "view", "edit")
	on := victim{start: s.start, origin: s.origin, marker: order.Name,
		post: orderPath(m.Namespace, order.Name) + "/reference",
		changed: func(t *testing.T) bool {
			t.Helper()
			now := &v1alpha1.ManualOrder{}
			must.Do(t, m.Client.Get(t.Context(), client.ObjectKeyFromObject(order), now))
			return now.Spec.Application != nil
		}}
	anotherPort, anotherSite := attackers(t)
	for where, address := range map[string]string{"another port": anotherPort, "another site": anotherSite} {
		for claim, does := range attacks() {
			t.Run(where+": "+claim, func(t *testing.T) {
				if reaches(t, does, address, on) {
					t.Error("it does")
				}
			})
		}
	}
	for claim, does := range rebinding() {
		t.Run(claim, func(t *testing.T) {
			if reaches(t, does, anotherPort, on) {
				t.Error("it does")
			}
		})
	}
	// The window that belongs there sees and does it all the same: the attacks have not just missed.
	p := s.open(t, browser.Look{})
	must.Contain(t, browser.Evaluate[string](p, "document.body.innerHTML"), on.marker)
}

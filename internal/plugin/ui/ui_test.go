package ui

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const (
	address = "127.0.0.1:8090"
	day     = 24 * time.Hour
)

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

var server *apitest.Server

func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }

// served is the page of a namespace.
type served struct {
	*Server

	namespace string
	handler   http.Handler
	clock     *testingclock.FakeClock
}

// serve serves the page of a namespace with some objects.
func serve(t testing.TB, objects ...client.Object) *served {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "page-"}}
	must.Do(t, server.Client.Create(t.Context(), namespace))
	group := errgroup.Group{}
	group.SetLimit(16)
	for _, object := range objects {
		group.Go(func() error {
			object.SetNamespace(namespace.Name)
			has, _ := object.DeepCopyObject().(client.Object)
			if err := server.Client.Create(t.Context(), object); err != nil {
				return err
			}
			has.SetResourceVersion(object.GetResourceVersion())
			return server.Client.Status().Update(t.Context(), has)
		})
	}
	must.Do(t, group.Wait())
	clock := testingclock.NewFakeClock(now)
	page := must.Get(Start(t.Context(), Options{
		Access:    must.Get(client.NewWithWatch(server.Config, client.Options{Scheme: server.Client.Scheme()}))(t),
		Namespace: namespace.Name, Clock: clock,
	}))(t)
	return &served{page, namespace.Name, page.handler(address), clock}
}

// ask asks as somebody at the page does; change makes another request of it.
func (s *served) ask(t testing.TB, method, path string, body io.Reader, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://"+address+path, body)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-User", "?1")
	r.AddCookie(&http.Cookie{Name: cookieAt("8090"), Value: s.guard.session})
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

func contentOf(t testing.TB, response *http.Response) string {
	t.Helper()
	return string(must.Get(io.ReadAll(response.Body))(t))
}

func TestOnlyWhoHasStartedThePageIsLetIn(t *testing.T) {
	s := serve(t)
	for claim, c := range map[string]struct {
		path   string
		change func(*http.Request)
		code   int
	}{
		"who has the cookie":            {"/", nil, 200},
		"who types the address":         {"/", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 200},
		"an old browser":                {"/", func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }, 200},
		"by the name localhost":         {"/", func(r *http.Request) { r.Host = "localhost:8090" }, 200},
		"by a name that leads here":     {"/", func(r *http.Request) { r.Host = "evil.example:8090" }, 403},
		"at another port":               {"/", func(r *http.Request) { r.Host = "127.0.0.1:80" }, 403},
		"without a name":                {"/", func(r *http.Request) { r.Host = "" }, 403},
		"from another page":             {"/", func(r *http.Request) { r.Header.Set("Origin", "http://x.example") }, 403},
		"from a page without an origin": {"/", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"from another port":             {"/", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"without the cookie":            {"/", func(r *http.Request) { r.Header.Del("Cookie") }, 403},
		"with a guessed cookie": {"/", func(r *http.Request) {
			r.Header.Set("Cookie", "varmenne-8090=guessed")
		}, 403},
		"the script without the cookie": {"/script.js", func(r *http.Request) { r.Header.Del("Cookie") }, 403},
		"the style without the cookie":  {"/style.css", func(r *http.Request) { r.Header.Del("Cookie") }, 200},
		"the start with the secret":     {pathStart + "?secret=" + s.guard.start, nil, 303},
		"the start by a link elsewhere": {pathStart + "?secret=" + s.guard.start, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}, 200},
		"the start with another secret":    {pathStart + "?secret=" + s.guard.session, nil, 403},
		"a page that there is not":         {"/nothing", nil, 404},
		"an object that there is not":      {"/objects/Certificate/a/b", nil, 404},
		"a method that a page has not":     {"/", func(r *http.Request) { r.Method = http.MethodDelete }, 404},
		"a form that is brought as a link": {"/orders/a/b/reference", nil, 404},
	} {
		t.Run(claim, func(t *testing.T) {
			response := s.ask(t, http.MethodGet, c.path, nil, c.change)
			if response.StatusCode != c.code {
				t.Errorf("it is answered with %d", response.StatusCode)
			}
			if strings.Contains(contentOf(t, response), "cannot be read") {
				t.Error("it says that the cluster cannot be read")
			}
			for name, value := range map[string]string{
				"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff",
			} {
				if got := response.Header.Get(name); got != value {
					t.Errorf("%s: %s", name, got)
				}
			}
			for _, cookie := range response.Cookies() {
				if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Domain != "" {
					t.Errorf("the cookie is %s", cookie)
				}
			}
		})
	}
}

// manualOrder waits for somebody to bring its certificate.
func manualOrder(t testing.TB) *v1alpha1.ManualOrder {
	t.Helper()
	order := &v1alpha1.ManualOrder{ObjectMeta: metav1.ObjectMeta{Name: "manual-1"}, Spec: v1alpha1.ManualOrderSpec{
		IssuerRef:       v1alpha1.ManualIssuerReference{Kind: "ManualIssuer", Name: "dvv"},
		PublicKeyDigest: strings.Repeat("0a", 32)}}
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, pkitest.Key("page")))(t)
	order.Spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return order
}

// order is where the page of that order is.
func (s *served) order() string { return orderPath(s.namespace, "manual-1") }

// TestAFormIsTakenOnlyWithItsToken: the cookie alone is not enough.
func TestAFormIsTakenOnlyWithItsToken(t *testing.T) {
	s := serve(t, manualOrder(t))
	for token, code := range map[string]int{"": 403, "guessed": 403, s.guard.session: 403, s.guard.form: 303} {
		form := strings.NewReader("reference=DVV+7&token=" + token)
		response := s.ask(t, http.MethodPost, s.order()+"/reference", form, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		})
		if response.StatusCode != code {
			t.Errorf("with the token %q it is answered with %d: %s", token, response.StatusCode, contentOf(t, response))
		}
	}
	must.Contain(t, contentOf(t, s.ask(t, http.MethodGet, s.order(), nil, nil)), "DVV 7")
}

// bring sends a file as the form of an order does.
func (s *served) bring(t *testing.T, token, name string, content []byte) *http.Response {
	t.Helper()
	body := &bytes.Buffer{}
	form := multipart.NewWriter(body)
	must.Do(t, form.WriteField(formToken, token))
	_ = must.Get(must.Get(form.CreateFormFile(fieldFiles, name))(t).Write(content))(t)
	must.Do(t, form.Close())
	return s.ask(t, http.MethodPost, s.order()+"/check", body, func(r *http.Request) {
		r.Header.Set("Content-Type", form.FormDataContentType())
	})
}

func TestWhatCannotBeUsedIsRefusedAndNotRepeated(t *testing.T) {
	s := serve(t, manualOrder(t))
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("this is to be kept secret")})
	for claim, c := range map[string]struct {
		token, name string
		content     []byte
		code        int
		says        string
	}{
		"a private key":         {s.guard.form, "key.pem", key, 422, "private key"},
		"nothing":               {s.guard.form, "empty", nil, 422, "Nothing came"},
		"far too much":          {s.guard.form, "disk.img", make([]byte, maximumBody), 413, "1 MiB"},
		"a name that is markup": {s.guard.form, "<script>alert(1)", []byte("hello"), 422, "&lt;script&gt;"},
		"a form of elsewhere":   {"guessed", "key.pem", key, 403, "another page"},
	} {
		t.Run(claim, func(t *testing.T) {
			response := s.bring(t, c.token, c.name, c.content)
			content := contentOf(t, response)
			if response.StatusCode != c.code {
				t.Errorf("it is answered with %d", response.StatusCode)
			}
			must.Contain(t, content, c.says)
			block, _ := pem.Decode(key)
			if strings.Contains(content, "<script>alert") || strings.Contains(content, string(block.Bytes)) ||
				strings.Contains(content, strings.Split(string(key), "\n")[1]) {
				t.Errorf("it repeats what came:\n%s", content)
			}
		})
	}
}

// TestThePageEndsAfterAnHourWithoutAPerson, even where it is open and refreshes by itself.
func TestThePageEndsAfterAnHourWithoutAPerson(t *testing.T) {
	s := serve(t)
	listener := must.Get((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	// Until it is served.
	must.Do(t, wait.PollUntilContextCancel(ctx, time.Millisecond, true, func(context.Context) (bool, error) {
		return s.clock.HasWaiters(), nil
	}))
	minutes := func(many int, path string) {
		for range many {
			must.Do(t, wait.PollUntilContextCancel(ctx, time.Millisecond, true, func(context.Context) (bool, error) {
				return s.clock.HasWaiters(), nil // it looks at the clock
			}))
			s.clock.Step(time.Minute)
			//nolint:contextcheck // it is the test's
			response := s.ask(t, http.MethodGet, path, nil, func(r *http.Request) {
				r.Header.Del("Sec-Fetch-User") // as Safari does
			})
			if response.StatusCode != http.StatusOK {
				t.Fatalf("it is answered with %d", response.StatusCode)
			}
		}
	}
	minutes(70, "/")
	select {
	case err := <-ended:
		t.Fatalf("it ends while somebody uses it: %v", err)
	case <-time.After(200 * time.Millisecond): // in which it has looked at the clock
	}
	minutes(61, "/?again")
	select {
	case err := <-ended:
		must.Say(t, err, ErrSilence.Error())
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// TestEveryTextIsTranslated, and no translation is left over.
func TestEveryTextIsTranslated(t *testing.T) {
	used := map[string]bool{}
	collect := func(files fs.FS, pattern, expression string) {
		for _, name := range must.Get(fs.Glob(files, pattern))(t) {
			content := string(must.Get(fs.ReadFile(files, name))(t))
			for _, found := range regexp.MustCompile(expression).FindAllStringSubmatch(content, -1) {
				used[must.Get(strconv.Unquote(found[1]))(t)] = true
			}
		}
	}
	collect(templates, "templates/*.html", `\bt ("[^"]+")`)
	collect(os.DirFS("."), "*.go", `say\(("[^"]+")`)
	collect(os.DirFS("."), "*.go", `statusError\{\s*http\.\w+, ("[^"]+"),?\s*\}`)
	collect(os.DirFS("."), "*.go", `errors\.New\(("[A-Z][^"]+")\)`)
	for text := range used {
		if row := texts[text]; row.fi == "" || row.sv == "" {
			t.Errorf("%q is not translated", text)
		}
	}
	// What overview says is written there, as constants and in tables.
	said := &strings.Builder{}
	for _, name := range must.Get(fs.Glob(os.DirFS("../overview"), "*.go"))(t) {
		said.Write(must.Get(os.ReadFile("../overview/" + name))(t))
	}
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		if !used[text] && !strings.Contains(said.String(), strconv.Quote(text)) {
			t.Errorf("%q is translated, and nobody says it", text)
		}
	}
}

func TestThePageIsInTheLanguageOfItsReader(t *testing.T) {
	s := serve(t)
	for accepts, title := range map[string]string{
		"fi-FI,fi;q=0.9,en;q=0.8": "Mikä odottaa ketä", "sv-FI": "Vad som väntar på vem",
		"de": "What waits for whom", "": "What",
	} {
		response := s.ask(t, http.MethodGet, "/", nil, func(r *http.Request) { r.Header.Set("Accept-Language", accepts) })
		must.Contain(t, contentOf(t, response), "<h1>"+title)
	}
	chosen := s.ask(t, http.MethodGet, "/?lang=sv", nil, func(r *http.Request) { r.Header.Set("Accept-Language", "fi") })
	must.Contain(t, contentOf(t, chosen), `<html lang="sv"`)
	if cookies := chosen.Cookies(); len(cookies) != 1 || cookies[0].Value != "sv" {
		t.Errorf("the choice is kept as %v", cookies)
	}
}

func TestTheTimelineShowsFromIssueToEnd(t *testing.T) {
	in := func(long time.Duration) *time.Time { return new(now.Add(long)) }
	rows := []overview.Row{
		{Name: "in use", Issued: in(-100 * day), End: in(100 * day), Dates: []overview.Date{
			{Time: *in(40 * day), What: overview.WindowOpens}, {Time: *in(50 * day), What: overview.Reminder},
			{Time: *in(100 * day), What: overview.Ends}}},
		{Name: "not yet issued"},
		{Name: "for decades", Issued: in(-20 * 365 * day), End: in(20 * 365 * day)},
	}
	shown := timelineOf(rows, now)
	if len(shown.Bars) != 2 || shown.Bars[0].Window == nil || shown.Bars[0].Lead != nil || len(shown.Bars[0].Marks) != 1 {
		t.Fatalf("it shows %+v", shown.Bars)
	}
	if decades := shown.Bars[1].span; decades != (span{"0.00%", "100.00%"}) {
		t.Errorf("what lasts for decades is %v", decades)
	}
	if len(shown.Ticks) < 2 || len(shown.Ticks) > mostTicks {
		t.Errorf("there are the dates %v", shown.Ticks)
	}
	if empty := timelineOf(nil, now); len(empty.Bars) != 0 {
		t.Errorf("of nothing it shows %v", empty.Bars)
	}
}

// TestWhatTenantsWriteIsNoMarkup in names and messages.
func TestWhatTenantsWriteIsNoMarkup(t *testing.T) {
	c := certificate(1)
	c.Status.Conditions[0].Status, c.Status.Conditions[0].Message = "False", `<img src=x onerror=alert(1)>`
	s := serve(t, c)
	for _, path := range []string{"/", objectPath("Certificate", s.namespace, c.Name)} {
		response := s.ask(t, http.MethodGet, path, nil, nil)
		if content := contentOf(t, response); response.StatusCode != http.StatusOK || strings.Contains(content, "<img") {
			t.Errorf("%s is answered with %d:\n%s", path, response.StatusCode, content)
		}
	}
}

// TestNoTextFromTheClusterRunsBackwards, by which it could look as if it said something else.
func TestNoTextFromTheClusterRunsBackwards(t *testing.T) {
	c := certificate(1)
	c.Status.Conditions[0].Status, c.Status.Conditions[0].Message = "False", "send it to \u202emoc.elpmaxe\u2066"
	s := serve(t, c)
	content := contentOf(t, s.ask(t, http.MethodGet, objectPath("Certificate", s.namespace, c.Name), nil, nil))
	must.Contain(t, content, "send it to \ufffdmoc.elpmaxe\ufffd")
}

// TestWhatIsWrongWithAFormIsSaidInTheLanguage of its reader, and what to do.
func TestWhatIsWrongWithAFormIsSaidInTheLanguage(t *testing.T) {
	s := serve(t, manualOrder(t))
	const cut = "--no\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n-----BEGIN"
	for kind, says := range map[string]string{
		"text/plain":                       "avaa sivu uudelleen",
		"multipart/form-data; boundary=no": "lähetä se uudelleen",
	} {
		response := s.ask(t, http.MethodPost, s.order()+"/check?lang=fi", strings.NewReader(cut), func(r *http.Request) {
			r.Header.Set("Content-Type", kind)
		})
		must.Contain(t, contentOf(t, response), says)
	}
}

// certificate was issued so many days ago.
func certificate(number int) *cmapi.Certificate {
	begins := now.Add(-time.Duration(number) * day)
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("certificate-%03d", number)},
		Spec: cmapi.CertificateSpec{SecretName: "any", IssuerRef: cmmeta.IssuerReference{
			Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"}},
		Status: cmapi.CertificateStatus{
			NotBefore: &metav1.Time{Time: begins}, NotAfter: &metav1.Time{Time: begins.Add(730 * day)},
			Conditions: []cmapi.CertificateCondition{{Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue}},
		},
	}
}

// BenchmarkOverviewOf500Certificates is what the server needs for a page with all of them.
func BenchmarkOverviewOf500Certificates(b *testing.B) {
	const many = 500
	objects := make([]client.Object, 0, many)
	for number := range many {
		objects = append(objects, certificate(number))
	}
	s := serve(b, objects...)
	b.ReportAllocs()
	for b.Loop() {
		if response := s.ask(b, http.MethodGet, "/", nil, nil); response.StatusCode != http.StatusOK {
			b.Fatal(contentOf(b, response))
		}
	}
}

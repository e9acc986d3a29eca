package issuer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// A certificate that has expired, or bears another name, is not mended with a bundle, and nobody is told so.
func TestTrustIsAdvisedForAnUnknownAuthorityOnly(t *testing.T) {
	past := pkitest.Dates(pkitest.NotBefore.AddDate(-9, 0, 0), pkitest.NotBefore.AddDate(-8, 0, 0))
	here := func(template *x509.Certificate) { template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	elsewhere := func(template *x509.Certificate) { template.DNSNames = []string{"other.example"} }
	forClients := func(template *x509.Certificate) {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	root, stranger := pkitest.Root(t, "Server CA"), pkitest.Root(t, "Another CA").Certificate
	ended := pkitest.Root(t, "Server CA", past).Certificate
	type server = []pkitest.Modifier
	trusting := func(certificate *x509.Certificate) []*x509.Certificate { return []*x509.Certificate{certificate} }
	for claim, c := range map[string]struct {
		server server
		trust  []*x509.Certificate
		want   string
	}{
		"an authority that is not configured":         {server{here}, trusting(stranger), adviceAuthority},
		"an authority that the system does not know":  {server{here}, nil, adviceSystem},
		"a certificate that has expired":              {server{here, past}, nil, adviceDates},
		"an authority that has expired":               {server{here}, trusting(ended), adviceAuthorityDates},
		"a certificate of another name":               {server{elsewhere}, nil, adviceName},
		"a certificate that is not one for a service": {server{here, forClients}, trusting(root.Certificate), adviceRule},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			certificate := root.Issue(t, pkitest.Key("server"), "server", c.server...)
			untrusted, is := errors.AsType[*protocol.UntrustedServerError](probe(t, certificate, c.trust))
			if !is {
				t.Fatalf("the server is trusted, or not there: %v", untrusted)
			}
			if got := remedy(untrusted, c.trust != nil); got != c.want {
				t.Errorf("%v: the advice is %q, want %q", untrusted, got, c.want)
			}
		})
	}
}

// probe makes a handshake with a server that has a certificate, as the controller does.
func probe(t *testing.T, certificate *x509.Certificate, trust []*x509.Certificate) error {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: pkitest.Key("server")}},
		MinVersion:   tls.VersionTLS12,
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	allowed := must.Get(endpoints.Parse([]string{"127.0.0.1:*"}))(t)
	service := must.Get(veroclient.New(veroclient.Options{
		URL: server.URL, TLS: trust, Endpoints: endpoints.Rule{Allowed: allowed},
	}))(t)
	return service.Probe(t.Context())
}

package client_test

import (
	"crypto/rand"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// What the hint names does what it says: GODEBUG is looked at anew with every connection.
func TestTheHintMakesTheClientHelloFitIntoOnePacket(t *testing.T) {
	lengths := make(chan int, 1)
	client := newClient(t, veroclient.Options{URL: "https://" + rawServer(t, func(connection net.Conn) {
		header := make([]byte, 5) // of a TLS record: its last two bytes are the length
		_, _ = io.ReadFull(connection, header)
		lengths <- int(header[3])<<8 + int(header[4])
	})})
	const packet = 1200
	for setting, large := range map[string]bool{"": true, "tlsmlkem=0": false} {
		t.Setenv("GODEBUG", setting)
		if err := client.Probe(t.Context()); err == nil {
			t.Fatal("there is no server")
		}
		if length := <-lengths; (length > packet) != large {
			t.Errorf("with GODEBUG=%s the ClientHello has %d bytes", setting, length)
		}
	}
}

// A request that did not leave as a whole has no effect, and its error says so: nothing was spent.
func TestARequestThatIsNotSentToItsEndCannotHaveBeenProcessed(t *testing.T) {
	f := serve(t, func(_ *fixture, _ http.ResponseWriter, _ *http.Request) { t.Error("a request has arrived") })
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { _ = info.Conn.Close() },
	})
	message := signNew(t, "s3cret")
	message.CustomerName = strings.Repeat("x", 100)
	message.CSR = largeRequest(t)
	_, err := f.client(t, 0).SignNew(ctx, message)
	if !find[*protocol.InterruptedError](t, err, false).Unsent {
		t.Error(err)
	}
}

// largeRequest does not fit into the transport's buffer, so that its beginning has to be sent before its end is.
func largeRequest(t *testing.T) []byte {
	t.Helper()
	template := &x509.CertificateRequest{DNSNames: slices.Repeat([]string{strings.Repeat("x", 60) + ".example"}, 100)}
	return must.Get(x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key(requestKey)))(t)
}

package client_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// BenchmarkCall is a whole SignNewCertificate over TLS whose response has 1 MiB: what the hostile ones take more than
// the harmless one is what a response can cost.
func BenchmarkCall(b *testing.B) {
	fill := func(piece string) string { return strings.Repeat(piece, (xmlsig.MaximumBytes-100)/len(piece)) }
	const parts = "multipart/related; boundary=b"
	headers := func(count int) string {
		var text strings.Builder
		for number := range count {
			_, _ = fmt.Fprintf(&text, "A%d: b\r\n", number)
		}
		return text.String()
	}
	for _, test := range []struct{ name, contentType, body string }{
		{"harmless", xmlType, fill(" ")},
		{"references", xmlType, fill("&amp;")},
		{"references of references", xmlType, fill("&amp;amp;")},
		{"carriage returns", xmlType, fill("\r")},
		{"few references", xmlType, strings.Repeat("&amp;lt;", 2000) + strings.Repeat("x", 1<<19)},
		{"backslashes", "text/html", fill("\\")},
		{"white space", xmlType, fill("s \u2003")},
		{"almost the password", "text/html", fill("s3cre")},
		{"tags", "text/html", fill("<a>") + idElement[:13]},
		{"RetrievalIds", "text/html", fill("<RetrievalId>X</RetrievalId>")},
		{"comments", "text/html", fill("<!---->") + idElement[:13]},
		{"parts", parts, fill("--b\r\nContent-Transfer-Encoding: base64\r\n\r\nPGE+\r\n")},
		{"headers of a part", parts, "--b\r\n" + fill("A: b\r\n")},
		{"different headers of a part", parts, "--b\r\nContent-Transfer-Encoding: base64\r\n" + headers(30_000) + "\r\n"},
		{"a long part", parts, "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + fill("=3D")[:1_000_000]},
		{"almost boundaries", parts, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fill("\r\n--b")[:1_000_000]},
		{"attributes", "text/html", fill("<a b=''>") + idElement[:13]},
	} {
		b.Run(test.name, func(b *testing.B) {
			f := serve(b, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Content-Length", strconv.Itoa(len(test.body)))
				reply(writer, test.contentType, []byte(test.body))
			})
			client, message := f.client(b, 0), signNew(b, "s3cret")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.SignNew(b.Context(), message); err == nil {
					b.Fatal("it is no response")
				}
			}
		})
	}
}

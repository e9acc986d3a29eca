package veroclient_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/xmlsig"
)

// BenchmarkHostileCall is a whole call over TLS, with what it takes to make and send the answer on the same machine. An
// answer of 1 MiB that is made to cost much must not take more than 5 ms longer than one of the usual size.
func BenchmarkHostileCall(b *testing.B) {
	for claim, piece := range map[string]string{
		"an answer of the usual size": "", "references": "&amp;", "carriage returns": "\r", "letters": "x",
	} {
		b.Run(claim, func(b *testing.B) {
			var body []byte
			f := serve(b, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) { reply(writer, xmlType, body) })
			body = bytes.Replace(f.good(), []byte("<RetrievalId>"),
				[]byte("<RetrievalId>"+strings.Repeat(piece, (xmlsig.MaximumBytes-4000)/max(1, len(piece)))), 1)
			client, message := f.client(b, 0), signNew(b, "s3cret")
			b.ReportAllocs()
			fastest := time.Hour
			for b.Loop() {
				start := time.Now()
				if _, err := client.SignNew(b.Context(), message); (err == nil) != (piece == "") {
					b.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			b.ReportMetric(fastest.Seconds()*1000, "ms-fastest")
		})
	}
}

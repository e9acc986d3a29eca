package client_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

func TestAResponseWithALengthBeyondTheLimitIsNotRead(t *testing.T) {
	for _, status := range []string{"200 OK", "500 Internal Server Error"} {
		f := talk(t, func(connection net.Conn, _ []byte) {
			const headers = "\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n"
			_, _ = connection.Write([]byte("HTTP/1.1 " + status + headers))
			_, _ = io.Copy(io.Discard, connection) // until the client hangs up
		})
		_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
		want[*protocol.OversizeError](t, err, true)
	}
}

// The limit is that of package xmlsig, so that what is just small enough is judged by its content; for GetCertificate,
// whose response holds one certificate, it is a quarter.
func TestAResponseOfExactlyTheLimitIsRead(t *testing.T) {
	for limit, ask := range map[int]func(*fixture) error{
		1 << 20: func(f *fixture) error {
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "password"))
			return err
		},
		256 << 10: func(f *fixture) error {
			_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
			return err
		},
	} {
		for length, check := range map[int]func(*testing.T, error, string){
			limit:       typed[*protocol.FaultError](true, "Server"),
			limit + 1:   typed[*protocol.OversizeError](true),
			limit + 100: typed[*protocol.OversizeError](true),
		} {
			body := response.Fault("Server", "large")
			body = append(body, bytes.Repeat([]byte(" "), length-len(body))...)
			f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Content-Type", xmlType)
				_, _ = writer.Write(body[:10])
				_ = http.NewResponseController(writer).Flush() // chunked: the length is not told
				_, _ = writer.Write(body[10:])
			})
			check(t, ask(f), "")
		}
	}
}

func TestAnEndlessResponseTakesLittleMemory(t *testing.T) {
	const enough = 64 << 20
	var written atomic.Int64
	ended := make(chan struct{}, 1)
	filler := bytes.Repeat([]byte(" "), 64<<10)
	f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", xmlType)
		for written.Load() < enough {
			count, err := writer.Write(filler)
			written.Add(int64(count))
			if err != nil {
				break
			}
		}
		ended <- struct{}{}
	})
	client := f.client(t, 0)
	message := get("unknown")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Get(t.Context(), message)
	<-ended
	runtime.ReadMemStats(&after)
	want[*protocol.OversizeError](t, err, true)
	// What is in flight fills the buffers of two sockets; what is read grows to the limit by doublings.
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 16<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
	if written.Load() >= enough {
		t.Errorf("%d bytes were taken in", written.Load())
	}
}

func TestAResponseThatTricklesEndsInTime(t *testing.T) {
	const timeout = 500 * time.Millisecond
	for claim, head := range map[string]string{
		"in its body":      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n",
		"in its headers":   "HTTP/1.1 200 OK\r\nX-Header: ",
		"before its start": "",
	} {
		t.Run(claim, func(t *testing.T) {
			f := talk(t, func(connection net.Conn, _ []byte) {
				_, _ = connection.Write([]byte(head))
				ticker := time.NewTicker(50 * time.Millisecond)
				defer ticker.Stop()
				for range ticker.C {
					if _, err := connection.Write([]byte("H")[:min(1, len(head))]); err != nil || head == "" {
						_, _ = io.Copy(io.Discard, connection)
						return
					}
				}
			})
			started := time.Now()
			_, err := f.client(t, timeout).Get(t.Context(), get("unknown"))
			timedOut(t, err, "")
			if took := time.Since(started); took > timeout+5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

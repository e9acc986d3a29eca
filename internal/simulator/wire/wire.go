// Package wire answers HTTP requests as a network and a failing server do: too slowly, without an end, with a reset, or
// not at all. It works with HTTP/1.1 only, because it takes connections over.
package wire

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/utils/clock"
)

// Drop closes the connection without a response.
func Drop() { panic(http.ErrAbortHandler) }

// Wait lets time pass on a clock; false means that the client has gone away, or the server ends.
func Wait(ctx context.Context, ticking clock.Clock, duration time.Duration) bool {
	timer := ticking.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// Hold waits for so long, or until the client goes away if that is 0; then, and if the client goes away before, the
// connection is closed. It returns only where there is somebody to answer.
func Hold(ctx context.Context, ticking clock.Clock, duration time.Duration) {
	if duration == 0 {
		<-ctx.Done()
		Drop()
	}
	if !Wait(ctx, ticking, duration) {
		Drop()
	}
}

// Reset sends half of a document and then a TCP reset.
func Reset(writer http.ResponseWriter, contentType string, document []byte) {
	writer.Header().Set("Content-Type", contentType)
	writer.Header().Set("Content-Length", strconv.Itoa(len(document)))
	_, _ = writer.Write(document[:len(document)/2])
	_ = http.NewResponseController(writer).Flush()
	Abort(writer)
}

// Abort sends a TCP reset: with the linger time at 0 the kernel sends RST instead of an orderly end, and no TLS
// close_notify comes before it.
func Abort(writer http.ResponseWriter) {
	connection, _, err := http.NewResponseController(writer).Hijack()
	if err != nil {
		Drop()
	}
	if wrapped, ok := connection.(interface{ NetConn() net.Conn }); ok {
		connection = wrapped.NetConn()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// Trickle sends a document byte by byte; wait lets time pass between two, and is false where nobody waits any more.
func Trickle(writer http.ResponseWriter, contentType string, document []byte, wait func() bool) {
	writer.Header().Set("Content-Type", contentType)
	writer.Header().Set("Content-Length", strconv.Itoa(len(document)))
	controller := http.NewResponseController(writer)
	for index := range document {
		if _, err := writer.Write(document[index : index+1]); err != nil {
			return
		}
		if err := controller.Flush(); err != nil || !wait() {
			Drop()
		}
	}
}

// floodBytes is how much Flood streams.
const floodBytes = 100 << 20

// Flood goes on with blanks for 100 MB after a response has begun.
func Flood(writer http.ResponseWriter) {
	filler := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < floodBytes; sent += len(filler) {
		if _, err := writer.Write(filler); err != nil {
			return
		}
	}
}

// AskForTime lets a response ask to be left alone for so long, in seconds, rounded up; 0 asks for nothing.
func AskForTime(writer http.ResponseWriter, wanted time.Duration) {
	if wanted > 0 {
		seconds := int64((wanted + time.Second - 1) / time.Second)
		writer.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}

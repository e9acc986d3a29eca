package world

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
)

// Line is what the controllers' connections to the API server go through. It can be cut.
type Line struct {
	listener net.Listener
	server   string

	mutex  sync.Mutex
	calls  map[net.Conn]bool
	closed bool
}

// layLine listens on loopback, and carries what comes to the server of a URL.
func layLine(ctx context.Context, url string) (*Line, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Line{listener: listener, server: strings.TrimPrefix(url, "https://"), calls: map[net.Conn]bool{}}
	go l.carry(context.WithoutCancel(ctx))
	return l, nil
}

// URL is where the line begins.
func (l *Line) URL() string { return "https://" + l.listener.Addr().String() }

// Cut ends every connection, and says how many there were. New ones can be made at once.
func (l *Line) Cut() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	number := len(l.calls)
	for call := range l.calls {
		_ = call.Close()
	}
	return number
}

// stop cuts the line for good.
func (l *Line) stop() error {
	l.mutex.Lock()
	l.closed = true
	l.mutex.Unlock()
	l.Cut()
	return l.listener.Close()
}

func (l *Line) carry(ctx context.Context) {
	for {
		call, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		go l.connect(ctx, call)
	}
}

// connect joins a connection with one of its own to the server. An end that breaks takes the other one with it.
func (l *Line) connect(ctx context.Context, call net.Conn) {
	defer call.Close()
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	if !l.open(call) {
		return
	}
	defer l.hangUp(call)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{call, server}, {server, call}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			done <- struct{}{}
		}()
	}
	<-done
}

func (l *Line) open(call net.Conn) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.closed {
		l.calls[call] = true
	}
	return !l.closed
}

func (l *Line) hangUp(call net.Conn) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.calls, call)
}

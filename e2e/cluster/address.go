package cluster

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// address is a loopback address with a port that belongs to this cluster from the moment the kernel
// chose it until release, also while no API server listens on it.
type address struct {
	port     int
	socket   int
	released sync.Once
}

// reserveAddress takes a free port. It binds a socket to the port and never listens on it: connections
// are refused as long as the API server is down, nobody else can take the port, and the API server can
// have it because both set SO_REUSEPORT (--permit-port-sharing).
func reserveAddress() (_ *address, err error) {
	socket, err := privateSocket()
	if err != nil {
		return nil, fmt.Errorf("reserving a port: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("reserving a port: %w", err), unix.Close(socket))
		}
	}()
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return nil, err
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	name, err := unix.Getsockname(socket)
	if err != nil {
		return nil, err
	}
	local, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return nil, fmt.Errorf("the socket's address is a %T", name)
	}
	return &address{port: local.Port, socket: socket}, nil
}

// privateSocket opens a TCP socket that no child process inherits: the lock keeps children from being
// started between the two calls.
func privateSocket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	unix.CloseOnExec(socket)
	return socket, nil
}

// release gives the port back.
func (a *address) release() {
	if a != nil {
		a.released.Do(func() { _ = unix.Close(a.socket) })
	}
}

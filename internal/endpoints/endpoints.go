// Package endpoints says whom the controller may call in the name of an issuer. Whoever may create a VeroIssuer writes
// its spec.url, and reads in its status what came of it: without a rule that is a scanner of everything that the
// controller reaches. The rule has two parts. Hosts are held against a list of the administrator's; and some addresses
// (see never) are called only where they are on that list themselves, whatever name has led to them.
package endpoints

import (
	"errors"
	"net/netip"
)

// The reasons of a refusal. They name the flag, and nothing that is at the other end.
var (
	// ErrNotListed: the host is not on the list that binds the issuer.
	ErrNotListed = errors.New("the controller's --allowed-endpoints " +
		"(value allowedEndpoints.hosts of the chart, or messages.allowedEndpoints) does not list it")
	// ErrNeverCalled: the address is one of those that are called only where they are listed.
	ErrNeverCalled = errors.New("its address is loopback, link-local, or of a cloud's metadata service, and the " +
		"controller's --allowed-endpoints (value allowedEndpoints.hosts of the chart, or messages.allowedEndpoints) does " +
		"not list that address itself")
)

// Rule is what holds for the calls of one issuer. The zero Rule lets every host be called, but at none of the addresses
// that have to be listed.
type Rule struct {
	// Allowed is the list. Addresses on it may be called whatever they are.
	Allowed List
	// Bound reports whether hosts that are not on the list are refused.
	Bound bool
}

// CheckHost refuses the host of a URL, a name or an address, with ErrNotListed or ErrNeverCalled. Of a name only
// CheckAddress can say the rest, when it is resolved. port is in decimal digits.
func (r Rule) CheckHost(host, port string) error {
	known := canonical(host)
	switch {
	case r.Bound && !r.Allowed.any && !r.Allowed.lists(known, port):
		return ErrNotListed
	case known.never() && !r.Allowed.lists(known, port):
		return ErrNeverCalled
	default:
		return nil
	}
}

// CheckAddress refuses an address that is about to be connected to, with ErrNeverCalled. It is written host:port, as
// net.Dialer.ControlContext is given it; what cannot be read is refused.
func (r Rule) CheckAddress(address string) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrNeverCalled
	}
	known := place{address: plain(target.Addr())}
	if known.never() && !r.Allowed.lists(known, portOf(target.Port())) {
		return ErrNeverCalled
	}
	return nil
}

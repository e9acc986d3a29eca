package endpoints

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// place is a host in the one way in which it is compared: a name in lower case, or an address.
type place struct {
	name    string
	address netip.Addr
}

// canonical reads a host as net/http will: a name that is not ASCII is mapped, which can make an address of it, and the
// dot at the end of a full name counts for nothing.
func canonical(host string) place {
	if mapped, err := idna.Lookup.ToASCII(host); err == nil && !ascii(host) {
		host = mapped
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return place{address: plain(address)}
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return place{address: plain(address)}
	}
	return place{name: host}
}

// Canonical is a host in the one way in which it can be compared with others.
func Canonical(host string) string {
	place := canonical(host)
	if place.address.IsValid() {
		return place.address.String()
	}
	return place.name
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) < 0
}

// plain is an address without a zone, of version 4 if it is one that is only written as one of version 6.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// never reports whether a place is called only where it is listed: an address of that kind, or a name that is a number
// ("127.1", "2130706433", "0x7f000001"). No such name exists, and there are resolvers and proxies that make an address
// of it.
func (p place) never() bool {
	if p.address.IsValid() {
		return special(p.address)
	}
	last := p.name[strings.LastIndexByte(p.name, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == "" ||
		strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == ""
}

// specials are the networks whose addresses lead to the controller itself, to its node, or to what a cloud tells its
// machines: credentials, mostly. Unspecified addresses, and those of "this network", reach the machine itself.
//
//nolint:gochecknoglobals // a table that is never changed
var specials = prefixes(
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
	"::/128", "::1/128", "fe80::/10", "ff00::/8",
	"100.100.100.200/32", // Alibaba Cloud
	"168.63.129.16/32",   // Azure
	"192.0.0.192/32",     // Oracle Cloud
	"fd00:ec2::/32",      // Amazon, with the identities of Pods (::23) beside the metadata (::254)
	"fd20:ce::254/128",   // Google Cloud
)

// carriers are networks of IP version 6 that have an address of version 4 in them, from a byte on; a gateway leads
// there. Addresses that are mapped are not here: they are those of version 4.
var carriers = []struct {
	network netip.Prefix
	from    int
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible (RFC 4291, 2.5.5.1)
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // IPv4-translated (RFC 2765)
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64 (RFC 6052)
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},  // NAT64 of one's own (RFC 8215), as a /96
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4 (RFC 3056)
}

// special reports whether an address is of a special network, or carries one that is.
func special(address netip.Addr) bool {
	for _, network := range specials {
		if network.Contains(address) {
			return true
		}
	}
	for _, carrier := range carriers {
		if carrier.network.Contains(address) {
			bytes := address.As16()
			return special(netip.AddrFrom4([4]byte(bytes[carrier.from : carrier.from+4])))
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	made := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		made[i] = netip.MustParsePrefix(text)
	}
	return made
}

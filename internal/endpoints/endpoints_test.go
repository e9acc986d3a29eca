package endpoints_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func parse(t testing.TB, texts ...string) endpoints.List {
	t.Helper()
	return must.Get(endpoints.Parse(texts))(t)
}

const (
	listed   = "pkiws.vero.fi,gateway.example:8443,any.example:*,10.0.0.1,[2001:db8::1]:8443,2001:db8::2,bücher.example"
	anywhere = "*"
	home     = "*,127.0.0.1:8443,[::1]:*,169.254.1.1"
)

func TestABoundIssuerReachesTheHostsOfTheList(t *testing.T) {
	for claim, c := range map[string]struct {
		list, host, port string
		want             error
	}{
		"a host without a port means 443":   {listed, "pkiws.vero.fi", "443", nil},
		"and no other port":                 {listed, "pkiws.vero.fi", "8443", endpoints.ErrNotListed},
		"a port of its own":                 {listed, "gateway.example", "8443", nil},
		"is the only one":                   {listed, "gateway.example", "443", endpoints.ErrNotListed},
		"any port":                          {listed, "any.example", "1", nil},
		"capitals and the dot at the end":   {listed, "PKIWS.Vero.fi.", "443", nil},
		"a part of a name":                  {listed, "vero.fi", "443", endpoints.ErrNotListed},
		"a name below":                      {listed, "x.pkiws.vero.fi", "443", endpoints.ErrNotListed},
		"a name that ends alike":            {listed, "evilpkiws.vero.fi", "443", endpoints.ErrNotListed},
		"a port written in another way":     {listed, "pkiws.vero.fi", "0443", endpoints.ErrNotListed},
		"an address":                        {listed, "10.0.0.1", "443", nil},
		"it, mapped":                        {listed, "::ffff:10.0.0.1", "443", nil},
		"another one":                       {listed, "10.0.0.2", "443", endpoints.ErrNotListed},
		"version 6 with a port":             {listed, "2001:db8:0::1", "8443", nil},
		"version 6 without":                 {listed, "2001:db8::2", "443", nil},
		"a name in its own letters":         {listed, "BÜCHER.example", "443", nil},
		"or in those of DNS":                {listed, "xn--bcher-kva.example", "443", nil},
		"every host":                        {anywhere, "whatever.example", "1", nil},
		"every host is not every address":   {anywhere, "169.254.169.254", "443", endpoints.ErrNeverCalled},
		"a listed loopback address":         {home, "127.0.0.1", "8443", nil},
		"on another port":                   {home, "127.0.0.1", "8444", endpoints.ErrNeverCalled},
		"a listed address, mapped":          {home, "::ffff:7f00:1", "8443", nil},
		"a listed link-local address":       {home, "169.254.1.1", "443", nil},
		"its neighbor with the credentials": {home, "169.254.169.254", "443", endpoints.ErrNeverCalled},
		"nothing is listed":                 {"", "pkiws.vero.fi", "443", endpoints.ErrNotListed},
	} {
		t.Run(claim, func(t *testing.T) {
			list := parse(t, strings.FieldsFunc(c.list, func(r rune) bool { return r == ',' })...)
			rule := endpoints.Rule{Allowed: list, Bound: true}
			if err := rule.CheckHost(c.host, c.port); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%s port %s: %v, want %v", c.host, c.port, err, c.want)
			}
		})
	}
}

// never are addresses that are called only where they are listed, and harmless some that look like them.
var (
	never = []string{
		"127.0.0.1", "127.255.0.9", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.1.1", "fe80::1", "febf::9",
		"224.0.0.1", "239.1.2.3", "255.255.255.255", "ff02::1", "ff0e::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::100.100.100.200",
		"64:ff9b:1::169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::1",
	}
	harmless = []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.100.100.201", "168.63.129.17", "169.253.255.255", "128.0.0.1",
		"1.1.1.1", "223.255.255.255", "192.0.0.193", "2001:db8::1", "fd00:ec3::254", "fec0::1", "fd20:ce::253",
		"64:ff9b::10.0.0.1", "64:ff9c::127.0.0.1", "2002:a00:1::7f00:1", "::ffff:10.0.0.1", "2001:db8::127.0.0.1",
	}
)

func TestSomeAddressesAreNeverCalledWhateverNameLeadsToThem(t *testing.T) {
	rules := map[string]endpoints.Rule{
		"nothing is listed": {}, "every host is allowed": {Allowed: parse(t, anywhere), Bound: true},
		"another address is listed": {Allowed: parse(t, "127.0.0.2:*", "localhost:*", "169.254.1.2"), Bound: false},
	}
	for claim, rule := range rules {
		for _, address := range never {
			target := netip.AddrPortFrom(netip.MustParseAddr(address), 443)
			for _, err := range []error{rule.CheckAddress(target.String()), rule.CheckHost(address, "443")} {
				if !errors.Is(err, endpoints.ErrNeverCalled) {
					t.Errorf("%s, and for %s the error is %v", claim, address, err)
				}
			}
		}
	}
	for _, address := range harmless {
		target := netip.AddrPortFrom(netip.MustParseAddr(address), 443)
		if err := rules["nothing is listed"].CheckAddress(target.String()); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, odd := range []string{"", "localhost:443", "127.0.0.1", "[fe80::1%eth0]:443", "10.0.0.1:https"} {
		if err := rules["nothing is listed"].CheckAddress(odd); err == nil {
			t.Errorf("%q may be connected to", odd)
		}
	}
}

// A proxy may make an address of what is a name to us.
func TestANameThatIsANumberIsNeverCalled(t *testing.T) {
	for _, host := range []string{
		"127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "127.0.0.0x1", "127.0.0.01", "1.2.3.4.5",
		"0X7F000001.", "127。0。0。1", "１２７.0.0.1", "①②⑦.0.0.1", "fe80::1%eth0",
	} {
		if err := (endpoints.Rule{}).CheckHost(host, "443"); !errors.Is(err, endpoints.ErrNeverCalled) {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, host := range []string{"0x7f.example", "127.0.0.1.nip.example", "4.fi", "x1", "0xz", "deadbeef"} {
		if err := (endpoints.Rule{}).CheckHost(host, "443"); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestAnEntryThatIsNoneIsNamedWithWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"https://pkiws.vero.fi":  "without https://",
		"pkiws.vero.fi/2017":     "without a path",
		"10.0.0.0/8":             "a network's length",
		"user@pkiws.vero.fi":     "a user",
		"*.vero.fi":              "* stands alone",
		"pkiws.*.fi:443":         "* stands alone",
		"*:443":                  "* stands alone",
		"pkiws.vero.fi:":         "from 1 to 65535",
		"pkiws.vero.fi:0":        "from 1 to 65535",
		"pkiws.vero.fi:0443":     "from 1 to 65535",
		"pkiws.vero.fi:65536":    "from 1 to 65535",
		"pkiws.vero.fi:https":    "from 1 to 65535",
		"[pkiws.vero.fi]:443":    "brackets",
		"[::1":                   "brackets",
		"fe80::1%eth0":           "without a zone",
		"":                       "neither",
		"pkiws vero.fi":          "neither",
		"pkiws..fi":              "neither",
		"-x.fi":                  "neither",
		"127.1":                  "neither",
		"1::2::3":                "neither",
		strings.Repeat("a", 254): "neither",
	} {
		_, err := endpoints.Parse([]string{"pkiws.vero.fi", text, "*"})
		must.Say(t, err, says, text)
	}
	_, err := endpoints.Parse([]string{"a/b", "c/d"})
	must.Say(t, err, "a/b", "c/d")
}

// FuzzAddress holds the addresses against what net/netip knows of them, in every way of writing.
func FuzzAddress(f *testing.F) {
	for _, text := range slices.Concat(never, harmless) {
		address := netip.MustParseAddr(text).As16()
		f.Add(address[:])
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		address, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return
		}
		checked := (endpoints.Rule{}).CheckAddress(netip.AddrPortFrom(address, 443).String())
		if named := (endpoints.Rule{}).CheckHost(address.String(), "443"); !errors.Is(named, checked) {
			t.Errorf("%s: %v as a host, %v at the dial", address, named, checked)
		}
		plain := address.Unmap()
		if checked == nil && (plain.IsLoopback() || plain.IsLinkLocalUnicast() || plain.IsMulticast() ||
			plain.IsUnspecified()) {
			t.Errorf("%s may be connected to", address)
		}
		list := parse(t, address.String())
		if err := (endpoints.Rule{Allowed: list, Bound: true}).CheckHost(address.String(), "443"); err != nil {
			t.Errorf("%s is listed: %v", address, err)
		}
		if plain.Is4() {
			carried := netip.AddrFrom16([16]byte(append(
				netip.MustParsePrefix("64:ff9b::/96").Addr().AsSlice()[:12], plain.AsSlice()...)))
			through := (endpoints.Rule{}).CheckAddress(netip.AddrPortFrom(carried, 443).String())
			if !errors.Is(through, checked) {
				t.Errorf("%s: %v, and by NAT64 %v", address, checked, through)
			}
		}
	})
}

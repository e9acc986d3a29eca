package endpoints

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// List is what the administrator allows. The zero List allows nothing.
type List struct {
	any     bool
	entries []entry
}

// entry is a host and a port; the port is empty where any will do.
type entry struct {
	place

	port string
}

const (
	// all stands for every host, or every port.
	all = "*"
	// DefaultPort is that of https, which a host without a port means.
	DefaultPort = "443"
)

// lists reports whether the list has a host with that port in so many words: all does not count.
func (l List) lists(host place, port string) bool {
	for _, known := range l.entries {
		if known.place == host && (known.port == "" || known.port == port) {
			return true
		}
	}
	return false
}

// Parse reads a list: "host" (with port 443), "host:8443" or "host:*" (any port), where a host is a DNS name or an IP
// address, in brackets if it is of version 6 and has a port; or "*" for every host. The error names every entry that is
// none of these.
func Parse(texts []string) (List, error) {
	var (
		list     List
		failures []error
	)
	for _, text := range texts {
		if text == all {
			list.any = true
			continue
		}
		made, err := parse(text)
		if err != nil {
			failures = append(failures, fmt.Errorf("%q: %w", text, err))
			continue
		}
		list.entries = append(list.entries, made)
	}
	return list, errors.Join(failures...)
}

// nameSyntax is that of DNS names. Underscores are no part of a host's name, but some have one.
var nameSyntax = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// longestName of DNS, in bytes.
const longestName = 253

func parse(text string) (entry, error) {
	switch {
	case strings.Contains(text, "://"):
		return entry{}, errors.New("write the host alone, without https://")
	case strings.ContainsAny(text, "/?#@"):
		return entry{}, errors.New("write host or host:port, without a path, a user or a network's length")
	}
	host, port, err := split(text)
	if err != nil {
		return entry{}, err
	}
	made := entry{place: canonical(host), port: port}
	switch {
	case strings.Contains(host, all):
		return entry{}, errors.New("* stands alone for every host, or behind a colon for every port; " +
			"it is no part of a name")
	case strings.Contains(host, "%"):
		return entry{}, errors.New("write the address without a zone")
	case made.address.IsValid():
		return made, nil
	case made.never(), len(made.name) > longestName, !nameSyntax.MatchString(made.name):
		return entry{}, errors.New("this is neither a DNS name nor an IP address, with a port or without")
	default:
		return made, nil
	}
}

// split takes host and port apart. A port that is not there is the default one, and any port is the empty one.
func split(text string) (host, port string, err error) {
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return text, DefaultPort, nil // an address of version 6
	}
	host, port = text, DefaultPort
	if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, ']') {
		host, port = text[:colon], text[colon+1:]
	}
	if inner, found := strings.CutPrefix(host, "["); found {
		if host, found = strings.CutSuffix(inner, "]"); !found || !strings.Contains(host, ":") {
			return "", "", errors.New("brackets are for an address of IP version 6")
		}
	}
	if port == all {
		return host, "", nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || portOf(uint16(number)) != port {
		return "", "", errors.New("the port is a number from 1 to 65535, or * for any")
	}
	return host, port, nil
}

func portOf(number uint16) string { return strconv.FormatUint(uint64(number), 10) }

package soak

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// inFlight is how many Certificates are about to be issued or renewed at any time.
	inFlight = 12
	// response is how long most of the calls take: long enough to be interrupted.
	response = 2 * time.Second
	// lives is how many certificates each Certificate gets: the first one, and that of a renewal.
	lives = 2
)

// business is a number of Certificates that come and go.
type business struct {
	*environment

	names []string
	// asked are those for which a renewal was asked for.
	asked map[string]bool
}

// startBusiness returns when the first request has reached the service, which from now on takes its time.
func (s *environment) startBusiness() *business {
	s.Helper()
	s.Script(admin.Fault{
		Kind: admin.TimeoutAfter, Hold: admin.Duration(response), Probability: 75,
		ForDuration: admin.Duration(24 * time.Hour),
	})
	b := &business{environment: s, asked: map[string]bool{}}
	b.keep()
	s.eventually("the first request to reach the service", func() bool { return len(s.Asked(signNew)) > 0 })
	return b
}

// finish waits until every Certificate was renewed.
func (b *business) finish() {
	b.Helper()
	b.eventually("the last Certificates to be renewed", func() bool {
		b.keepGoing()
		return b.received(lives, b.names...)
	})
}

// upTo is a time that chance chooses.
func (s *environment) upTo(longest time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(longest)))
}

// keep has so many Certificates under way.
func (b *business) keep() {
	b.Helper()
	for missing := inFlight - b.keepGoing(); missing > 0; missing-- {
		name := nameOf(len(b.names))
		b.names = append(b.names, name)
		b.mintCredentials(name)
		b.order(name)
	}
}

// keepGoing asks for the renewal of what was issued, and tells how many Certificates are under way.
func (b *business) keepGoing() int {
	b.Helper()
	list := &cmapi.CertificateList{}
	b.list(list)
	underWay := len(b.names)
	for i := range list.Items {
		switch certificate := &list.Items[i]; {
		case revision(certificate) >= lives:
			underWay--
		case revision(certificate) == 1 && !b.asked[certificate.Name]:
			b.asked[certificate.Name] = true
			b.renew(certificate.Name)
		}
	}
	return underWay
}

package https

import (
	"crypto/tls"
	"slices"
	"sync"
)

// mostSessions is how many TLS sessions are kept. Calls that run at once take one each.
const mostSessions = 8

// sessions are TLS sessions with one endpoint. Each is used once, as TLS 1.3 wants it (RFC 8446, C.4), which Go's own
// cache keeps one of at a time.
type sessions struct {
	mutex sync.Mutex
	kept  []*tls.ClientSessionState
}

var _ tls.ClientSessionCache = (*sessions)(nil)

// Get takes the newest session out.
func (s *sessions) Get(string) (session *tls.ClientSessionState, found bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	last := len(s.kept) - 1
	if last < 0 {
		return nil, false
	}
	session, s.kept = s.kept[last], s.kept[:last]
	return session, true
}

// Put keeps a session; nil, by which another cache would forget one, was taken out before.
func (s *sessions) Put(_ string, session *tls.ClientSessionState) {
	if session == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.kept = append(s.kept, session); len(s.kept) > mostSessions {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
}

package gate

import (
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/lru"
)

// unthreatened knows of requests that their Certificates had nothing to lose when they were read for the order: it need
// not be found out once more half a minute later. The zero value is ready to use.
type unthreatened struct {
	begin sync.Once
	looks *lru.Cache
}

func (u *unthreatened) cache() *lru.Cache {
	u.begin.Do(func() { u.looks = lru.New(mostKept) })
	return u.looks
}

// note a Certificate that stood behind a request at a moment; nil for none.
func (u *unthreatened) note(request *cmapi.CertificateRequest, certificate *cmapi.Certificate, now time.Time) {
	if certificate == nil || concerned(certificate, request) {
		u.cache().Remove(request.UID)
		return
	}
	u.cache().Add(request.UID, now.Add(unseenInterval))
}

// until is when it is to be found out again; zero if it is not known.
func (u *unthreatened) until(request *cmapi.CertificateRequest) time.Time {
	found, _ := u.cache().Get(request.UID)
	next, _ := found.(time.Time)
	return next
}

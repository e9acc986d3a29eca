package gate

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/lru"
)

// unthreatened knows of requests that their Certificates had nothing to lose when they were read for the order: it need
// not be found out once more half a minute later.
type unthreatened struct {
	// until is when it is to be found out again.
	until *lru.Cache[types.UID, time.Time]
}

func newUnthreatened() unthreatened { return unthreatened{lru.New[types.UID, time.Time](mostKept)} }

// note a Certificate that stood behind a request at a moment; nil for none.
func (u unthreatened) note(request *cmapi.CertificateRequest, certificate *cmapi.Certificate, now time.Time) {
	if certificate == nil || concerned(certificate, request) {
		u.until.Remove(request.UID)
		return
	}
	u.until.Add(request.UID, now.Add(unseenInterval))
}

// next is when it is to be found out again; zero if it is not known, or the clock was set back since.
func (u unthreatened) next(request *cmapi.CertificateRequest, now time.Time) time.Time {
	found, _ := u.until.Get(request.UID)
	if found.Sub(now) > unseenInterval {
		return time.Time{}
	}
	return found
}

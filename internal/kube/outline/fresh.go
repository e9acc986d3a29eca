package outline

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/lru"
)

// mostFresh and largestFresh bound how many requests are kept whole, and how large each may be, in bytes of JSON.
const mostFresh, largestFresh = 1024, 8 << 10

// Fresh keeps requests whole that wait for an issuer of ours and have not said anything yet, until somebody begins to
// serve them: what a watch has just brought need not be read. A nil one keeps nothing.
type Fresh struct {
	requests *lru.Cache[types.UID, *cmapi.CertificateRequest]
}

// NewFresh makes one that keeps nothing yet.
func NewFresh() *Fresh { return &Fresh{lru.New[types.UID, *cmapi.CertificateRequest](mostFresh)} }

// transform takes a request out of its outline, of which the cache may keep thousands.
func (f *Fresh) transform(object any) (any, error) {
	request, isRequest := object.(*CertificateRequest)
	if !isRequest || request.whole == nil {
		return object, nil
	}
	if f != nil {
		f.requests.Add(request.UID, request.whole)
	}
	request.whole = nil
	return request, nil
}

// Take returns the request that an outline is of, once; nil if that version of it is not kept.
func (f *Fresh) Take(cached *CertificateRequest) *cmapi.CertificateRequest {
	if f == nil {
		return nil
	}
	whole, known := f.requests.Get(cached.UID)
	if !known || whole.ResourceVersion != cached.ResourceVersion {
		return nil
	}
	f.requests.Remove(cached.UID)
	return whole
}

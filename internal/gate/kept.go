package gate

import (
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// mostKept bounds how many requests are kept whole.
const mostKept = 2048

// kept are requests as they were last read or written, so that the next look at one reads nothing as long as the cache
// knows no other version of it: the cache has outlines only. A request that was changed by somebody else has another
// resourceVersion; and whatever is written to it carries the one that was decided for. The zero value is ready to use.
type kept struct {
	begin    sync.Once
	requests *lru.Cache
}

func (k *kept) cache() *lru.Cache {
	k.begin.Do(func() { k.requests = lru.New(mostKept) })
	return k.requests
}

// keep a request as it is to the API server. It is copied; whoever manages which field is of no interest here.
func (k *kept) keep(request *cmapi.CertificateRequest) {
	copied := request.DeepCopy()
	copied.ManagedFields = nil
	k.cache().Add(copied.UID, copied)
}

// find returns a copy of the version that an outline is of; nil if it is not kept.
func (k *kept) find(cached *outline.CertificateRequest) *cmapi.CertificateRequest {
	if found := k.get(cached.UID); found != nil && found.ResourceVersion == cached.ResourceVersion {
		return found.DeepCopy()
	}
	return nil
}

// is reports whether an outline is of the version that is kept, which is no news.
func (k *kept) is(cached *outline.CertificateRequest) bool {
	found := k.get(cached.UID)
	return found != nil && found.ResourceVersion == cached.ResourceVersion
}

func (k *kept) get(request types.UID) *cmapi.CertificateRequest {
	found, _ := k.cache().Get(request)
	kept, _ := found.(*cmapi.CertificateRequest)
	return kept
}

func (k *kept) forget(request types.UID) { k.cache().Remove(request) }

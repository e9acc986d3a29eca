package gate

import (
	"maps"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/lru"
)

// mostKept and largestKept bound how many requests are kept whole, and how large each may be, in bytes of JSON.
const mostKept, largestKept = 2048, 16 << 10

// kept are requests as they were last read or written, so that the next look at one reads nothing as long as the cache
// knows no other version of it: the cache has outlines only. A request that was changed by somebody else has another
// resourceVersion; and whatever is written to it carries the one that was decided for.
type kept struct {
	versions *lru.Cache[types.UID, version]
}

func newKept() kept { return kept{lru.New[types.UID, version](mostKept)} }

// version is a request as it was last read or written, and the resourceVersions that it had before by what was written
// here: a cache that knows one of them lags behind. The request is nil where it is not worth its memory.
type version struct {
	last    string
	earlier []string
	request *cmapi.CertificateRequest
}

// keep a request as it is to the API server, and was with another resourceVersion before, which is the same if nothing
// was written. It is copied; whoever manages which field is of no interest here. No more than its version is kept of a
// large one, and of one that has its certificate.
func (k kept) keep(request *cmapi.CertificateRequest, before string) {
	const enough = 3
	earlier := append(slices.Clone(k.get(request.UID).earlier), before)
	now := version{last: request.ResourceVersion, earlier: earlier[max(len(earlier)-enough, 0):]}
	if !conditions.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		whole := *request
		whole.ManagedFields = nil
		if lru.Fits(&whole, largestKept) {
			now.request = copyOf(&whole)
		}
	}
	k.versions.Add(request.UID, now)
}

// copyOf copies of a request what a step changes: annotations and conditions. The rest is shared by all copies: a step
// replaces it as a whole or not at all, so that the signing request is in memory once. There is none of nil.
func copyOf(request *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	if request == nil {
		return nil
	}
	copied := *request
	copied.Annotations = maps.Clone(request.Annotations)
	copied.Status.Conditions = slices.Clone(request.Status.Conditions)
	return &copied
}

// find returns a copy of the version that an outline is of, or of the one that was written after it; nil if that is not
// kept.
func (k kept) find(cached *outline.CertificateRequest) *cmapi.CertificateRequest {
	if k.is(cached) {
		return copyOf(k.get(cached.UID).request)
	}
	return nil
}

// is reports whether an outline is of the version that is kept, or of one from which that was written. Neither is news.
func (k kept) is(cached *outline.CertificateRequest) bool {
	found := k.get(cached.UID)
	return found.last != "" && (found.last == cached.ResourceVersion ||
		slices.Contains(found.earlier, cached.ResourceVersion))
}

// news reports whether a change is one that is not kept yet. Where a cache that knew the version that is kept gets an
// earlier one, etcd was restored from a backup: what is kept was never written then, and is forgotten.
func (k kept) news(before, after *outline.CertificateRequest) bool {
	if last := k.get(after.UID).last; last == before.ResourceVersion && last != after.ResourceVersion {
		k.forget(after.UID)
	}
	return !k.is(after)
}

func (k kept) get(request types.UID) version {
	found, _ := k.versions.Get(request)
	return found
}

func (k kept) forget(request types.UID) { k.versions.Remove(request) }

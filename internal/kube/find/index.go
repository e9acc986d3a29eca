package find

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// indexBuckets is the one index of each kind. Its values are buckets of keys, so many at most: an index keeps a set for
// each of its values, which takes several times as much as the one name that would be in it.
const indexBuckets, mostBuckets = "varmenne.dev/bucket", 1 << 12

// seed of the buckets, which nobody outside can foresee.
//
//nolint:gochecknoglobals // it is never changed
var seed = maphash.MakeSeed()

// key is something that objects are found by.
type key struct {
	// by says what it is: a label, or one of those below.
	by string
	// namespace is where they are, empty for anywhere.
	namespace string
	// value is empty for nothing, by which no object is found.
	value string
}

// What keys are of, but for labels.
const (
	byIssuer      = "issuer"
	byPublicKey   = "public-key"
	byRetrievalID = "retrieval-id"
)

// issuerKey is that of objects which name an issuer from a namespace.
func issuerKey(kind, namespace, name string) key {
	if v1alpha1.IsClusterKind(kind) {
		namespace = ""
	}
	return key{byIssuer, namespace, kind + "/" + name}
}

func (k key) bucket() string { return strconv.FormatUint(maphash.Comparable(seed, k)%mostBuckets, 16) }

// Index prepares a cache for the functions that find CertificateRequests and VeroOrders by what they hold.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := addIndex(ctx, indexer, &outline.CertificateRequest{}, requestKey, byIssuer, byPublicKey); err != nil {
		return err
	}
	return addIndex(ctx, indexer, &v1alpha1.VeroOrder{}, orderKey, byIssuer, byPublicKey, byRetrievalID,
		v1alpha1.LabelPublicKey, v1alpha1.LabelTransferID, v1alpha1.LabelRenews)
}

// IndexManual prepares a cache for what finds ManualOrders.
func IndexManual(ctx context.Context, indexer client.FieldIndexer) error {
	return addIndex(ctx, indexer, &outline.ManualOrder{}, manualKey, byIssuer, byPublicKey)
}

func addIndex[T client.Object](
	ctx context.Context, indexer client.FieldIndexer, object T, keyOf func(T, string) key, by ...string,
) error {
	err := indexer.IndexField(ctx, object, indexBuckets, func(indexed client.Object) []string {
		object, isOfKind := indexed.(T)
		if !isOfKind {
			return nil
		}
		buckets := make([]string, 0, len(by))
		for _, by := range by {
			if key := keyOf(object, by); key.value != "" {
				buckets = append(buckets, key.bucket())
			}
		}
		return buckets
	})
	if err != nil {
		return fmt.Errorf("index %T: %w", object, err)
	}
	return nil
}

// listBucket lists the cached objects in the bucket of a key: all that have it, and others. No namespace is asked for:
// it is in the key, see informer. The objects belong to the cache, and are to be looked at only.
func listBucket(
	ctx context.Context, reader client.Reader, wanted key, list client.ObjectList, options ...client.ListOption,
) error {
	if wanted.value == "" {
		return nil
	}
	options = append(options, client.MatchingFields{indexBuckets: wanted.bucket()}, client.UnsafeDisableDeepCopy)
	if err := reader.List(ctx, list, options...); err != nil {
		return fmt.Errorf("list %T by %s: %w", list, wanted.by, err)
	}
	return nil
}

// having leaves those of a bucket that have the key.
func having[T any](bucket []T, wanted key, keyOf func(*T, string) key) []T {
	var kept int
	for i := range bucket {
		if keyOf(&bucket[i], wanted.by) == wanted {
			bucket[kept] = bucket[i]
			kept++
		}
	}
	clear(bucket[kept:])
	return bucket[:kept]
}

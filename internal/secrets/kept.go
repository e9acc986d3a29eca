package secrets

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/lru"
)

const (
	// keptFor is how long an issuer's bundles are used without being read again.
	keptFor = 5 * time.Second
	// mostKept and largestKept bound what is kept: bundles of how many issuers, and of how many bytes in DER each. Parsed,
	// they take several times as much.
	mostKept, largestKept = 128, 24 << 10
)

// KeptBundles reads the bundles of issuers, and keeps what it has read for some seconds: many orders of one issuer are
// on their way at once. What is kept is of one UID and generation of the issuer, so it names the right objects; what is
// in them may be older, by keptFor at most. An error is not kept.
type KeptBundles struct {
	reader    client.Reader
	namespace string
	clock     clock.PassiveClock
	reading   singleflight.Group
	mutex     sync.Mutex // of storing
	kept      *lru.Cache[types.UID, keptBundles]
}

// keptBundles are those that were read at a moment.
type keptBundles struct {
	generation int64
	read       time.Time
	bundles    *Bundles
}

// NewKeptBundles makes one that keeps nothing yet. namespace is the controller's own, where the bundles of cluster
// issuers are.
func NewKeptBundles(reader client.Reader, namespace string, source clock.PassiveClock) *KeptBundles {
	return &KeptBundles{
		reader: reader, namespace: namespace, clock: source, kept: lru.New[types.UID, keptBundles](mostKept),
	}
}

// Of returns an issuer's bundles as they are, or were some seconds ago. Who asks while they are being read for somebody
// else gets what that one gets. Errors are those of ReadBundles.
func (k *KeptBundles) Of(ctx context.Context, issuer v1alpha1.GenericVeroIssuer) (*Bundles, error) {
	if found := k.find(issuer); found != nil {
		return found, nil
	}
	of := fmt.Sprintf("%s/%d", issuer.GetUID(), issuer.GetGeneration())
	read, err, _ := k.reading.Do(of, func() (any, error) {
		if found := k.find(issuer); found != nil {
			return found, nil // somebody else's reading has just ended
		}
		return k.Read(ctx, issuer)
	})
	bundles, _ := read.(*Bundles)
	return bundles, err
}

// Read reads an issuer's bundles. Whoever asks for them next gets the same, so that what one controller has seen to be
// repaired is not called again with what was wrong.
func (k *KeptBundles) Read(ctx context.Context, issuer v1alpha1.GenericVeroIssuer) (*Bundles, error) {
	began := k.clock.Now()
	bundles, err := ReadBundles(ctx, k.reader, &issuer.VeroSpec().Trust, BundleNamespace(issuer, k.namespace))
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if err != nil || !bundles.Small() {
		k.kept.Remove(issuer.GetUID())
		return bundles, err
	}
	if latest, known := k.kept.Get(issuer.GetUID()); known && latest.read.After(began) {
		return bundles, nil // somebody else has read them since
	}
	k.kept.Add(issuer.GetUID(), keptBundles{generation: issuer.GetGeneration(), read: began, bundles: bundles})
	return bundles, nil
}

func (k *KeptBundles) find(issuer v1alpha1.GenericVeroIssuer) *Bundles {
	found, known := k.kept.Get(issuer.GetUID())
	age := k.clock.Since(found.read)
	if !known || found.generation != issuer.GetGeneration() || age < 0 || age >= keptFor {
		return nil
	}
	return found.bundles
}

// Small reports whether bundles, and what is made from them, may be kept: whoever may create issuers could fill the
// memory with large ones.
func (b *Bundles) Small() bool {
	size := b.Responses.Size() + b.Issuance.Size()
	for _, certificate := range b.TLS {
		size += len(certificate.Raw)
	}
	return size <= largestKept
}

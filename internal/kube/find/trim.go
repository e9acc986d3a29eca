package find

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Trim is a transform of cached objects, of which thousands may wait for a person: nobody here asks who manages their
// fields or who has made a request, and what an order and its request have in common is kept once. What is left out is
// never written either: status and annotations are all that is, and by patches.
func Trim() cache.TransformFunc {
	unmanaged, signed := ctrlcache.TransformStripManagedFields(), &contents{known: map[digest]*content{}}
	return func(object any) (any, error) {
		object, err := unmanaged(object)
		if err != nil {
			return nil, fmt.Errorf("leave out who manages the fields: %w", err)
		}
		switch object := object.(type) {
		case *cmapi.CertificateRequest:
			object.Spec.Username, object.Spec.UID, object.Spec.Groups, object.Spec.Extra = "", "", nil, nil
			object.Spec.Request = once(signed, object, object.Spec.Request)
		case *v1alpha1.ManualOrder:
			object.Spec.Request = once(signed, object, object.Spec.Request)
			conditions := object.Status.Conditions
			for i := 1; i < len(conditions); i++ { // mostly they say the same
				if conditions[i].Message == conditions[0].Message {
					conditions[i].Message = conditions[0].Message
				}
			}
		}
		return object, nil
	}
}

type digest = [sha256.Size]byte

// contents are byte slices that several objects hold, for as long as one of them does.
type contents struct {
	mutex sync.Mutex
	known map[digest]*content
}

type content struct {
	bytes   []byte
	holders int
}

// once is a content that an object may hold in the place of its own: others hold the same.
func once[T any](c *contents, holder *T, own []byte) []byte {
	of := sha256.Sum256(own)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	shared := c.known[of]
	if shared == nil {
		shared = &content{bytes: own}
		c.known[of] = shared
	}
	shared.holders++
	runtime.AddCleanup(holder, c.release, of)
	return shared.bytes
}

// release forgets a content when the last object that held it is no longer in memory.
func (c *contents) release(of digest) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.known[of].holders--; c.known[of].holders == 0 {
		delete(c.known, of)
	}
}

package issuer

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// probeTimeout is how long a handshake may take. It is shorter than a call may be: a service that works has a moment to
// greet, however long its response takes.
const probeTimeout = 10 * time.Second

// probing makes handshakes outside of the workers, a few at a time for each namespace: an address that drops what it is
// sent keeps nobody waiting but other issuers of its namespace. VeroClusterIssuers have handshakes of their own.
//
// After a crash they are not spaced as calls are (orderstate.Resumptions): no response is read, and crypto/tls bounds a
// handshake at 64 KiB a message and 256 KiB of certificates, which take 5 MB and some milliseconds, and probeTimeout
// ends what does not end by itself. So none can end the controller.
type probing struct {
	probe   Probe
	limiter *limiter.Limiter
	mutex   sync.Mutex
	// attempts are handshakes that are made, or whose outcome nobody has asked for yet.
	attempts map[types.NamespacedName]*attempt
	// wake is told which issuer to check again.
	wake func(types.NamespacedName)
}

// attempt is one handshake.
type attempt struct {
	subject subject
	over    bool
	err     error
}

// subject is what a handshake was made with. Its outcome says nothing of anything else.
type subject struct {
	uid        types.UID
	generation int64
	bundles    string
}

// newProbing makes a probing that makes so many handshakes at once, as limiter.New explains.
func newProbing(probe Probe, most int) *probing {
	return &probing{
		probe: probe, limiter: limiter.New(most, 1), attempts: map[types.NamespacedName]*attempt{},
		wake: func(types.NamespacedName) {},
	}
}

// onEnd sets what is told that an outcome is there, or that it is an issuer's turn: it has to be checked again.
func (p *probing) onEnd(wake func(types.NamespacedName)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.wake = wake
	p.limiter.OnGrant(wake)
}

// outcome is that of a handshake with the issuer as it is now, once. Until there is one it is not known, and the issuer
// is checked again when it is.
func (p *probing) outcome(
	ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles,
) (known bool, err error) {
	name := types.NamespacedName{Namespace: issuer.GetNamespace(), Name: issuer.GetName()}
	wanted := subject{issuer.GetUID(), issuer.GetGeneration(), bundles.Digest()}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if made, begun := p.attempts[name]; begun {
		if !made.over {
			return false, nil
		}
		delete(p.attempts, name)
		if made.subject == wanted {
			return true, made.err
		}
	}
	slot, free := p.limiter.Acquire(name, limiter.Slot{
		Issuer:    limiter.Issuer{Kind: issuer.IssuerKind(), Namespace: name.Namespace, Name: name.Name},
		Namespace: name.Namespace,
	})
	if free {
		p.attempts[name] = &attempt{subject: wanted}
		// The other two can be megabytes, and many handshakes may take long.
		go p.shake(ctx, name, issuer, &secrets.Bundles{TLS: bundles.TLS}, slot.Release)
	}
	return false, nil
}

// shake makes a handshake and keeps the outcome. It ends with the controller: nothing is sent.
func (p *probing) shake(
	ctx context.Context, name types.NamespacedName, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles,
	release func(),
) {
	defer release()
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := p.probe(ctx, issuer, bundles)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if made, wanted := p.attempts[name]; wanted {
		made.over, made.err = true, err
	}
	p.wake(name)
}

// settle gives up what an issuer has left that was checked, or is gone.
func (p *probing) settle(name types.NamespacedName) {
	p.limiter.Forget(name)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if made, begun := p.attempts[name]; begun && made.over {
		delete(p.attempts, name)
	}
}

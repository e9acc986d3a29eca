package rotator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

const (
	// recordTimeout bounds the writing of an outcome.
	recordTimeout = 20 * time.Second
	// recordPause is between two tries, where the API server is away.
	recordPause = 250 * time.Millisecond
)

// record writes down what has come of a call, also while the controller ends. A lost outcome loses no password, since
// the intent has assumed the worst, but it costs one of the log-ins that may fail within an hour. So it is tried again:
// where the API server is away, where its response was lost, and where somebody has changed the object elsewhere than
// in its status. Whoever has changed the status has decided since then: then the outcome is dropped.
func (p *pass) record(ctx context.Context, change func()) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	intended := p.object.DeepCopy()
	change()
	for {
		err := p.write(ctx, intended)
		if err == nil || apierrors.IsNotFound(err) || status.Lasts(ctx, err) {
			return err
		}
		latest := &v1alpha1.MessagesPassword{}
		switch readErr := p.Reader.Get(ctx, client.ObjectKeyFromObject(p.object), latest); {
		case readErr != nil && ctx.Err() == nil && !apierrors.IsNotFound(readErr) && !status.Lasts(ctx, readErr):
			if p.pause(ctx) != nil {
				return err
			}
		case readErr != nil || latest.UID != p.object.UID:
			return err
		case sameStatus(latest, p.object): // it was written, and nobody has seen the response
			p.object.ResourceVersion = latest.ResourceVersion
			p.report(intended)
			return nil
		case !sameStatus(latest, intended):
			return err
		case !apierrors.IsConflict(err) && p.pause(ctx) != nil:
			return err
		default:
			p.object.ResourceVersion = latest.ResourceVersion
		}
	}
}

// pause waits until the next try.
func (p *pass) pause(ctx context.Context) error {
	timer := p.Clock.NewTimer(recordPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the API server: %w", ctx.Err())
	case <-timer.C():
		return nil
	}
}

// sameStatus reports whether two objects have the same status, as the API server stores it: it cuts times.
func sameStatus(one, other *v1alpha1.MessagesPassword) bool {
	texts := [2][]byte{}
	for i, object := range [2]*v1alpha1.MessagesPassword{one, other} {
		text, err := json.Marshal(object.Status)
		if err != nil { // times, texts and numbers only
			return false
		}
		texts[i] = text
	}
	return bytes.Equal(texts[0], texts[1])
}

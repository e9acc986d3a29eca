package simulator

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
)

// maximumCredentials is how many credentials are remembered; a forgotten one is as good as a wrong one.
const maximumCredentials = 20_000

// credential is a minted credential and what became of it.
type credential struct {
	admin.Credential

	// usedAt is when a request was accepted with it; zero while it is unspent.
	usedAt time.Time
}

// credentials are the transfer credentials that were minted.
type credentials struct {
	mutex  sync.Mutex
	minted *bounded[*credential]
}

func newCredentials() *credentials {
	return &credentials{minted: newBounded[*credential](maximumCredentials)}
}

// mint makes credentials for a customer.
func (c *credentials) mint(wanted admin.MintRequest, expiresAt time.Time) admin.Credential {
	made := admin.Credential{
		TransferID:       rand.Text()[:20],
		TransferPassword: rand.Text()[:16],
		CustomerID:       wanted.CustomerID,
		CustomerName:     wanted.CustomerName,
		ExpiresAt:        expiresAt,
		SurfaceAtGet:     wanted.SurfaceAtGet,
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.minted.put(made.TransferID, &credential{Credential: made})
	return made
}

// check says whether a request's credentials allow a certificate; it spends nothing. The credential is returned
// even when it does not fit, nil when the TransferId is unknown.
func (c *credentials) check(asked *request.Request, now time.Time) (*admin.Credential, *protocol.Problem) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found, problem := c.examine(asked, now)
	if found == nil {
		return nil, problem
	}
	return &found.Credential, problem
}

// spend uses the credentials up if they still allow a certificate: of several requests at once, one succeeds.
func (c *credentials) spend(asked *request.Request, now time.Time) *protocol.Problem {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found, problem := c.examine(asked, now)
	if problem == nil {
		found.usedAt = now
	}
	return problem
}

// examine is the rule: known, the right password, the right customer, unspent, not expired. The mutex is held.
func (c *credentials) examine(asked *request.Request, now time.Time) (*credential, *protocol.Problem) {
	found, known := c.minted.get(asked.TransferID)
	if !known {
		return nil, protocol.InvalidCredentials(fmt.Sprintf("TransferId %s is unknown", asked.TransferID))
	}
	invalid := func(reason string) (*credential, *protocol.Problem) {
		return found, protocol.InvalidCredentials(fmt.Sprintf("TransferId %s: %s", asked.TransferID, reason))
	}
	if subtle.ConstantTimeCompare([]byte(found.TransferPassword), []byte(asked.TransferPassword)) != 1 {
		return invalid("the password is wrong")
	}
	if found.CustomerID != asked.CustomerID {
		return invalid("it belongs to another customer than " + asked.CustomerID)
	}
	if !found.usedAt.IsZero() {
		return invalid("it was used at " + found.usedAt.UTC().Format(time.RFC3339))
	}
	if !now.Before(found.ExpiresAt) {
		return invalid("it expired at " + found.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return found, nil
}

// Package review lets a page be read by those whom the API server lets read it: it asks for a TokenReview of the bearer
// token, and for a SubjectAccessReview of whom the token belongs to.
package review

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

const (
	// yesFor and noFor are how long an answer counts: what is taken away ends within a minute, what is given begins soon.
	yesFor, noFor = time.Minute, 10 * time.Second
	// knownFor is how long a token that was let in is asked for before all others, readers and strangers how many of
	// either are remembered.
	knownFor, readers, strangers = time.Hour, 64, 256
	// perSecond and atOnce are how many tokens are asked for that were not let in before. Whoever sends many must not use
	// up the requests that the API server takes of this process.
	perSecond, atOnce = 5, 20
	// longestToken is far beyond that of a ServiceAccount, and of most providers.
	longestToken = 16 << 10
	// timeout bounds the two questions together.
	timeout = 10 * time.Second
)

// errBusy is why a token was not asked for.
var errBusy = errors.New("too many unknown tokens")

// Guard asks the API server about callers. It keeps digests of tokens, and no token.
type Guard struct {
	tokens   authenticationclient.TokenReviewInterface
	accesses authorizationclient.SubjectAccessReviewInterface
	clock    clock.PassiveClock

	// known is when a token that was let in has to be asked for again; refused is the status that others got. Nobody who
	// is refused drives a reader out of the first.
	known, refused *cache.LRUExpireCache
	strangers      *rate.Limiter
	asking         singleflight.Group
}

// New is a Guard that asks by this connection.
func New(connection *rest.Config, access *http.Client, now clock.PassiveClock) (*Guard, error) {
	tokens, err := authenticationclient.NewForConfigAndClient(connection, access)
	if err != nil {
		return nil, fmt.Errorf("connect for TokenReviews: %w", err)
	}
	accesses, err := authorizationclient.NewForConfigAndClient(connection, access)
	if err != nil {
		return nil, fmt.Errorf("connect for SubjectAccessReviews: %w", err)
	}
	return &Guard{
		tokens: tokens.TokenReviews(), accesses: accesses.SubjectAccessReviews(), clock: now,
		known:     cache.NewLRUExpireCacheWithClock(readers, now),
		refused:   cache.NewLRUExpireCacheWithClock(strangers, now),
		strangers: rate.NewLimiter(perSecond, atOnce),
	}, nil
}

// Protect lets a page at a path be read, with GET, by those who may get that path.
func (g *Guard) Protect(log logr.Logger, path string, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "it can only be read, with GET", http.StatusMethodNotAllowed)
			return
		}
		status, err := g.judge(r, path)
		switch {
		case errors.Is(err, errBusy):
			w.Header().Set("Retry-After", "1")
			http.Error(w, "many ask whom nobody knows; try again in a moment", http.StatusTooManyRequests)
		case err != nil:
			log.Error(err, "cannot ask the API server who may read "+path)
			http.Error(w, "the API server cannot be asked who you are, or what you may do; the log says why",
				http.StatusServiceUnavailable)
		case status == http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "send the token of a ServiceAccount or user: Authorization: Bearer TOKEN", status)
		case status == http.StatusForbidden:
			http.Error(w, "whose token this is may not get the URL "+path+": a ClusterRole has to allow it", status)
		default:
			r.Header.Del("Authorization")
			page.ServeHTTP(w, r)
		}
	})
}

// judge returns the status that a caller deserves: 200, 401 or 403.
func (g *Guard) judge(r *http.Request, path string) (int, error) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > longestToken || strings.Contains(token, " ") {
		return http.StatusUnauthorized, nil
	}
	key := sha256.Sum256([]byte(path + " " + token))
	again, known := g.known.Get(key)
	if known && g.clock.Now().Before(again.(time.Time)) { //nolint:forcetypeassert // see ask
		return http.StatusOK, nil
	}
	if status, refused := g.refused.Get(key); refused {
		return status.(int), nil //nolint:forcetypeassert // see ask
	}
	// Others may wait for the answer when the one who came first no longer does.
	ctx := context.WithoutCancel(r.Context())
	answered := g.asking.DoChan(string(key[:]), func() (any, error) {
		if !known && !g.strangers.AllowN(g.clock.Now(), 1) {
			return 0, errBusy
		}
		status, err := g.ask(ctx, path, token)
		switch {
		case err != nil:
		case status == http.StatusOK:
			g.known.Add(key, g.clock.Now().Add(yesFor), knownFor)
		default:
			g.known.Remove(key)
			g.refused.Add(key, status, noFor)
		}
		return status, err
	})
	select {
	case <-r.Context().Done():
		return 0, r.Context().Err()
	case answer := <-answered:
		return answer.Val.(int), answer.Err //nolint:forcetypeassert // see above
	}
}

// ask asks the API server whose token it is, and whether they may get the path.
func (g *Guard) ask(ctx context.Context, path, token string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	review, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("whose token it is: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := review.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	access, err := g.accesses.Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
		},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return 0, fmt.Errorf("whether %s may get %s: %w", user.Username, path, err)
	case access.Status.Allowed && !access.Status.Denied:
		return http.StatusOK, nil
	default:
		return http.StatusForbidden, nil
	}
}

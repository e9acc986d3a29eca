package issuer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// bench is a probing whose handshakes with one endpoint take for ever, and whose others fail at once.
type bench struct {
	*testing.T
	*probing

	counting    sync.Mutex
	made, woken int
}

const silent = "https://silent.example"

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t}
	b.probing = newProbing(func(ctx context.Context, issuer v1alpha1.GenericVeroIssuer, _ *secrets.Bundles) error {
		b.counting.Lock()
		b.made++
		number := b.made
		b.counting.Unlock()
		if issuer.VeroSpec().Endpoint() == silent {
			<-ctx.Done()
		}
		return errors.Join(fmt.Errorf("handshake %d", number), ctx.Err())
	}, 4)
	b.onEnd(func(types.NamespacedName) {
		b.counting.Lock()
		defer b.counting.Unlock()
		b.woken++
	})
	return b
}

func issuerAt(url string) *v1alpha1.VeroIssuer {
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: "tax", Name: "vero", UID: "1", Generation: 1}}
	issuer.Spec.URL = url
	return issuer
}

// seen returns how many handshakes were made, and how often an issuer was woken, once nothing moves.
func (b *bench) seen() (made, woken int) {
	synctest.Wait()
	b.counting.Lock()
	defer b.counting.Unlock()
	return b.made, b.woken
}

// asks returns what is known of an issuer; empty for nothing.
func (b *bench) asks(issuer v1alpha1.GenericVeroIssuer) string {
	b.Helper()
	known, err := b.outcome(b.Context(), issuer, &secrets.Bundles{})
	synctest.Wait()
	if !known {
		return ""
	}
	return err.Error()
}

func TestAHandshakeThatIsNotAnsweredEndsAfterTenSecondsAndHasItsIssuerCheckedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, issuer := newBench(t), issuerAt(silent)
		for range 3 {
			if known := b.asks(issuer); known != "" {
				t.Fatalf("during the handshake it is known %q", known)
			}
		}
		<-time.After(10*time.Second - 1)
		if made, woken := b.seen(); made != 1 || woken > 0 {
			t.Errorf("%d handshakes were made, and %d issuers woken before the end", made, woken)
		}
		<-time.After(1)
		if made, woken := b.seen(); made != 1 || woken != 1 {
			t.Fatalf("%d handshakes were made, and %d issuers woken", made, woken)
		}
		if known := b.asks(issuer); known != "handshake 1\n"+context.DeadlineExceeded.Error() {
			t.Errorf("known is %q", known)
		}
	})
}

func TestAnOutcomeIsUsedOnceAndForWhatTheHandshakeWasMadeWith(t *testing.T) {
	for claim, change := range map[string]func(*v1alpha1.VeroIssuer, *attempt){
		"the spec has changed":          func(issuer *v1alpha1.VeroIssuer, _ *attempt) { issuer.Generation++ },
		"another one has the same name": func(issuer *v1alpha1.VeroIssuer, _ *attempt) { issuer.UID = "2" },
		"the bundles have changed":      func(_ *v1alpha1.VeroIssuer, made *attempt) { made.subject.bundles = "others" },
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, issuer := newBench(t), issuerAt("https://refusing.example")
				b.asks(issuer)
				change(issuer, b.attempts[types.NamespacedName{Namespace: "tax", Name: "vero"}])
				for i, want := range []string{"", "handshake 2", "", "handshake 3"} {
					if known := b.asks(issuer); known != want {
						t.Errorf("asked for the %d. time, it knows %q, want %q", i+2, known, want)
					}
				}
			})
		})
	}
}

func TestAnIssuerThatNeedsNoHandshakeAnyMoreLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		names := make([]types.NamespacedName, 0, 4)
		for i := range cap(names) {
			issuer := issuerAt(silent)
			issuer.Name = strconv.Itoa(i)
			names = append(names, types.NamespacedName{Namespace: "tax", Name: issuer.Name})
			b.asks(issuer)
		}
		if made, _ := b.seen(); made != 2 {
			t.Errorf("a namespace makes %d of 4 handshakes at once, want 2", made)
		}
		<-time.After(probeTimeout)
		if _, woken := b.seen(); woken != len(names) {
			t.Errorf("%d issuers were woken: two by the end of theirs, and two because it is their turn", woken)
		}
		for _, name := range names {
			b.settle(name)
		}
		left := len(b.attempts)
		b.asks(issuerAt(silent))
		if made, _ := b.seen(); left > 0 || made != 3 {
			t.Errorf("%d attempts are left, and %d handshakes were made", left, made)
		}
		<-time.After(probeTimeout)
	})
}

package explore_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
)

// retention is how long an order is kept after it has ended.
const retention = 30 * day

// environment is what happens besides the controllers.
func (s *steps) environment() {
	if next := s.idleUntil(s.world); next > 0 {
		s.happen(next.String()+" pass", func(w *world) error { return s.pass(w, next) })
	}
	for k, late := range s.world.service.late {
		s.happen("the delayed request arrives", func(w *world) error {
			w.service.late = slices.Delete(w.service.late, k, k+1)
			_, _ = w.process(*late)
			return nil
		})
	}
	for k := range s.world.requests {
		if s.world.requests[k].delivered != nil {
			s.happen("cert-manager stores the certificate", func(w *world) error {
				w.store(k)
				return nil
			})
		}
	}
	for k := range s.world.orders {
		if s.world.removable(k) {
			s.happen(s.world.orders[k].Name+" is removed", func(w *world) error {
				w.orders = slices.Delete(w.orders, k, k+1)
				return nil
			})
		}
	}
	s.caches()
	s.peopleAndCredentials()
	s.peopleAndRequests()
	s.peopleAndOrders()
	s.peopleAndIssuers()
	s.renewals()
}

// idleUntil is how long an idle controller has nothing to do; 0 if no one is idle, or nothing is to be waited for.
func (e *explorer) idleUntil(w *world) time.Duration {
	for i := range int(w.budget.replicas) {
		r := &w.replicas[i]
		if r.task != nil || r.creation != nil {
			continue
		}
		idle, next := true, time.Time{}
		for _, order := range w.orders {
			until, waits := e.nextLook(w, r, order)
			idle = idle && waits
			if !until.IsZero() && (next.IsZero() || until.Before(next)) {
				next = until
			}
		}
		if idle && !next.IsZero() {
			return next.Sub(w.now())
		}
	}
	return 0
}

// nextLook is when a controller looks at an order again, zero if something has to change before; waits reports whether
// there is nothing to be done before.
func (e *explorer) nextLook(w *world, r *replica, order *v1alpha1.VeroOrder) (until time.Time, waits bool) {
	if _, asked := orderstate.AdoptionOf(order); asked {
		return time.Time{}, false
	}
	if until := orderstate.UntouchedUntil(order, w.now()); !e.owns(r, order) && until.After(w.now()) {
		return until, true
	}
	if held := e.held(r, order); held.After(w.now()) {
		return held, true
	}
	action := e.decide(w, r, order)
	return action.At, action.Verb == orderstate.Wait || action.Verb == orderstate.Done
}

// pass lets time pass, when all orders have told what they wait for.
func (e *explorer) pass(w *world, long time.Duration) error {
	for k, order := range w.orders {
		knows := &replica{}
		for i := range w.replicas {
			if w.replicas[i].own(order) >= 0 {
				knows = &w.replicas[i]
			}
		}
		action := e.decide(w, knows, order)
		if action.Verb == orderstate.Wait {
			if err := w.wait(k, action, e.owns(knows, order)); err != nil {
				return err
			}
		}
	}
	w.elapsed += long
	return nil
}

// store lets cert-manager put a certificate into the Secret of its Certificate.
func (w *world) store(k int) {
	served := w.requests[k]
	w.current[served.certificate] = served.delivered
	w.requests = slices.Delete(w.requests, k, k+1)
}

// removable reports whether an order ended long ago, and its credentials are not there any more.
func (w *world) removable(k int) bool {
	order := w.orders[k]
	ended, transfer := order.Status.CompletionTime, order.Spec.Transfer
	held := transfer != nil && w.transfer.number > 0 && transfer.TransferIDDigest == w.transfer.digest()
	return ended != nil && !held && w.now().Sub(ended.Time) >= retention
}

// caches fall behind, and catch up.
func (s *steps) caches() {
	for i := range int(s.world.budget.replicas) {
		name := "the cache of controller " + strconv.Itoa(i)
		if s.world.replicas[i].cache != nil {
			s.happen(name+" catches up", func(w *world) error {
				w.replicas[i].cache = nil
				return nil
			})
			continue
		}
		s.spend(name+" falls behind", func(b *budget) *int8 { return &b.lags }, func(w *world) error {
			behind := &cache{orders: slices.Clone(w.orders)}
			for _, asking := range w.requests {
				behind.requests = append(behind.requests, asking.uid)
			}
			w.replicas[i].cache = behind
			return nil
		})
	}
}

func (s *steps) peopleAndCredentials() {
	left := func(b *budget) *int8 { return &b.credentials }
	there := s.world.transfer.number > 0
	change := func(how string, do func(*world)) {
		s.spend(how, left, func(w *world) error {
			do(w)
			return nil
		})
	}
	change("new credentials", func(w *world) { w.mint(transfer{}) })
	change("new credentials, named by the Certificate", func(w *world) { w.mint(transfer{named: true}) })
	change("new credentials, mistyped", func(w *world) { w.mint(transfer{wrong: true}) })
	if there {
		change("the credentials are removed", func(w *world) { w.transfer.number = 0 })
	}
	if there && s.world.transfer.wrong {
		change("the password is corrected", func(w *world) { w.transfer.wrong = false })
	}
}

func (s *steps) peopleAndRequests() {
	left := func(b *budget) *int8 { return &b.requests }
	for k, asking := range s.world.requests {
		s.spend(string(asking.uid)+" is deleted, and made anew", left, func(w *world) error {
			w.requests = slices.Delete(w.requests, k, k+1)
			w.ask(asking.certificate, asking.key)
			return nil
		})
		if fresh := s.world.freshKey(); fresh >= 0 {
			s.spend(string(asking.uid)+" is deleted, and made anew with another key", left, func(w *world) error {
				w.requests = slices.Delete(w.requests, k, k+1)
				w.ask(asking.certificate, fresh)
				return nil
			})
		}
		s.spend(string(asking.uid)+" is deleted", left, func(w *world) error {
			w.requests = slices.Delete(w.requests, k, k+1)
			return nil
		})
	}
	const most = 2
	if fresh := s.world.freshKey(); fresh >= 0 && len(s.world.requests) < most && s.world.current[1] == nil &&
		all(s.world.requests, func(r request) bool { return r.certificate != 1 }) {
		s.spend("another Certificate asks", left, func(w *world) error {
			w.ask(1, fresh)
			return nil
		})
	}
}

func (s *steps) peopleAndOrders() {
	left := func(b *budget) *int8 { return &b.orders }
	for k, order := range s.world.orders {
		s.spend(order.Name+" is deleted", left, func(w *world) error {
			w.orders = slices.Delete(w.orders, k, k+1)
			return nil
		})
		if order.Status.RetrievalID != "" {
			continue
		}
		for number := range s.world.service.receipts {
			s.spend(order.Name+" is brought "+retrievalID(number), left, func(w *world) error {
				w.bring(k, retrievalID(number))
				return nil
			})
		}
	}
}

// bring lets a person annotate an order with a RetrievalId.
func (w *world) bring(k int, id string) {
	annotated := w.orders[k].DeepCopy()
	annotated.Annotations[v1alpha1.AnnotationAdoptRetrievalID] = id
	w.orders[k] = annotated
}

func (s *steps) peopleAndIssuers() {
	change := func(how string, left func(*budget) *int8, do func(*issuer)) {
		s.spend(how, left, func(w *world) error {
			w.issuer.generation++
			do(&w.issuer)
			return nil
		})
	}
	trust := func(b *budget) *int8 { return &b.trust }
	change("the trust is changed", trust, func(i *issuer) { i.untrusting = !i.untrusting })
	issuers := func(b *budget) *int8 { return &b.issuers }
	change("the issuer comes or goes", issuers, func(i *issuer) { i.missing = !i.missing })
	change("the issuer's readiness changes", issuers, func(i *issuer) { i.unready = !i.unready })
	change("the issuer's customer changes", issuers, func(i *issuer) { i.another = !i.another })
	jumps := func(b *budget) *int8 { return &b.jumps }
	for _, back := range []time.Duration{30 * time.Minute, 3 * time.Hour} {
		s.spend("the clocks are set back by "+back.String(), jumps, func(w *world) error {
			w.skew -= back
			return nil
		})
	}
}

// renewals are asked for by cert-manager in time, or late, or by a person early.
func (s *steps) renewals() {
	left, current := func(b *budget) *int8 { return &b.renewals }, s.world.current[0]
	fresh := s.world.freshKey()
	if current == nil || fresh < 0 || !all(s.world.requests, func(r request) bool { return r.certificate != 0 }) {
		return
	}
	for _, before := range []time.Duration{lifetime, ordertest.Window - day, time.Hour} {
		s.spend("a renewal is asked for "+before.String()+" before the end", left, func(w *world) error {
			w.elapsed += max(current.notAfter.Add(-before).Sub(w.now()), 0)
			w.ask(0, fresh)
			return nil
		})
	}
}

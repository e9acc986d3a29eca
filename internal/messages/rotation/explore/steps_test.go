package explore_test

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

func itoa(i int) string { return strconv.Itoa(i) }

// successor is a state that follows another, and how.
type successor = explore.Step[*world]

// explorer follows histories.
type explorer struct {
	// lie is a seeded fault: it changes what a controller sees.
	lie func(*rotation.Snapshot)
	// seen are the verbs that were decided.
	seen map[rotation.Verb]bool
	// ends are the places from which a rotation comes to its end.
	ends map[explore.Key]bool
	// broken is the first invariant that did not hold.
	broken string
}

func (e *explorer) failf(format string, arguments ...any) {
	if e.broken == "" {
		e.broken = fmt.Sprintf(format, arguments...)
	}
}

func (e *explorer) decide(w *world) (rotation.Snapshot, rotation.Decision) {
	s := w.snapshot()
	if e.lie != nil {
		s.Object = s.Object.DeepCopy()
		e.lie(&s)
	}
	decision := rotation.Decide(s)
	if e.seen != nil {
		e.seen[decision.Verb] = true
	}
	return s, decision
}

// successors are all that can happen next.
func (e *explorer) successors(w *world) []successor {
	all := e.environment(w)
	if !w.gone {
		all = append(all, e.controllers(w)...)
	}
	for _, s := range all {
		s.State.elsewhere = s.State.elsewhere && !s.State.holds(s.State.service.password)
		s.State.mistyped = s.State.mistyped && s.State.secret.value != s.State.service.password
	}
	return all
}

func (e *explorer) controllers(w *world) []successor {
	var all []successor
	for i := range w.budget.replicas {
		all = append(all, e.step(w, i)...)
		if w.budget.crashes > 0 && w.replicas[i].step != look {
			c := w.clone()
			c.budget.crashes--
			c.replicas[i] = replica{}
			all = append(all, successor{How: fmt.Sprintf("controller %d crashes", i), State: c})
		}
	}
	return all
}

// step is what a controller does next, with each outcome that it may have.
func (e *explorer) step(w *world, i int) []successor {
	r := &w.replicas[i]
	name := func(what string) string { return fmt.Sprintf("controller %d: %s", i, what) }
	switch r.step {
	case look:
		return e.look(w, i, name)
	case intend:
		c := w.clone()
		e.intend(c, &c.replicas[i])
		return []successor{{How: name("intends " + string(r.decision.Verb)), State: c}}
	case act:
		return e.act(w, i, name)
	case send:
		return e.sendChange(w, i, name)
	default:
		c := w.clone()
		c.record(&c.replicas[i])
		return []successor{{How: name("records"), State: c}}
	}
}

// look reads everything and decides. While there is only waiting to be done, time passes.
func (e *explorer) look(w *world, i int, name func(string) string) []successor {
	s, decision := e.decide(w)
	c := w.clone()
	r := &c.replicas[i]
	*r = replica{
		step: intend, snapshot: s, decision: decision, version: w.version, inSecret: w.secret.value, staging: w.staging,
		begun: w.elapsed,
	}
	how := fmt.Sprintf("decides to %s %s", decision.Verb, decision.Password)
	switch {
	case decision.Verb == rotation.Done:
		return nil
	case decision.Verb == rotation.Wait:
		c.write(r, func(object *v1alpha1.MessagesPassword) { rotation.Intend(object, decision) })
		*r = replica{}
		if decision.At.After(s.Now) {
			c.pass(decision.At.Sub(s.Now))
		} else {
			e.failf("waits for what has passed")
		}
		return []successor{{How: name(fmt.Sprintf("waits for %s", decision.At.Sub(s.Now))), State: c}}
	case w.budget.replicas == 1: // nobody can come between looking and writing
		e.intend(c, r)
	}
	return []successor{{How: name(how), State: c}}
}

// write replaces the object, unless somebody else has done so since the replica has read it.
func (w *world) write(r *replica, change func(*v1alpha1.MessagesPassword)) bool {
	if r.version != w.version || w.gone {
		*r = replica{}
		return false
	}
	object := w.object.DeepCopy()
	if r.intended != nil {
		object = r.intended.DeepCopy()
	}
	before := relevant(w.object, w.now())
	change(object)
	for i := range object.Status.Conditions {
		object.Status.Conditions[i].Message = "" // nobody reads it, and there are many
	}
	if relevant(object, w.now()) != before {
		w.version++
	}
	w.object, r.version, r.intended = object, w.version, object
	return true
}

func (e *explorer) intend(w *world, r *replica) {
	if !w.write(r, func(object *v1alpha1.MessagesPassword) { rotation.Intend(object, r.decision) }) {
		return
	}
	switch r.decision.Verb {
	case rotation.LogIn, rotation.Send, rotation.Stage, rotation.Unstage, rotation.Commit, rotation.RemoveFinalizer:
		r.step = act
	default: // the status was all
		*r = replica{}
	}
}

// late reports whether a replica was frozen for too long to begin a call.
func (w *world) late(r *replica) bool { return w.elapsed-r.begun > rotation.BeginWithin }

func (e *explorer) act(w *world, i int, name func(string) string) []successor {
	c := w.clone()
	r := &c.replicas[i]
	switch r.decision.Verb {
	case rotation.LogIn, rotation.Send:
		if w.late(r) {
			*r = replica{}
			return []successor{{How: name("is too late"), State: c}}
		}
		return e.token(w, i, name)
	case rotation.Stage:
		if c.staging.uid == 0 {
			c.staged++
			c.staging = staging{c.staged, r.snapshot.Object.UID, r.inSecret, c.fresh()}
		}
	case rotation.Unstage:
		if uidName(c.staging.uid) == r.snapshot.Staging.UID {
			c.staging = staging{}
		}
	case rotation.RemoveFinalizer:
		if r.version == c.version {
			c.gone = true
		}
	case rotation.Commit:
		if e.commit(c, r) {
			return []successor{{How: name("commits"), State: c}}
		}
	default:
		e.failf("nobody knows how to %s", r.decision.Verb)
	}
	*r = replica{}
	return []successor{{How: name("does it"), State: c}}
}

// commit writes the new password into the Secret, if it is still the one that was read.
func (e *explorer) commit(w *world, r *replica) bool {
	if versionName(w.secret.version) != r.snapshot.Secret.Version {
		return false
	}
	if w.secret.value != r.staging.to {
		w.writeSecret(r.staging.to)
		if !w.service.proved[r.staging.to] {
			e.failf("password %d was published and never proved", r.staging.to)
		}
	}
	r.step = record
	r.sending.Reason = versionName(w.secret.version)
	return true
}

// token is the first call of LogIn and Send.
func (e *explorer) token(w *world, i int, name func(string) string) []successor {
	with := map[rotation.Which]value{
		rotation.InSecret: w.replicas[i].inSecret, rotation.Current: w.replicas[i].staging.current,
		rotation.New: w.replicas[i].staging.to, "": w.replicas[i].staging.current,
	}[w.replicas[i].decision.Password]
	var all []successor
	outcome := func(what string, faults int, token rotation.Outcome, events rotation.Outcome) {
		c := w.clone()
		r := &c.replicas[i]
		if c.budget.faults -= faults; c.budget.faults < 0 {
			return
		}
		if token != rotation.Unsent {
			result := c.logIn(with)
			if token != rotation.Unclear {
				token = result
			}
		}
		r.login, r.sending.Token, r.step = rotation.Login{Token: token, Events: events}, token, record
		if token == rotation.Accepted && events == rotation.Accepted && r.decision.Events {
			c.prove(with)
		}
		if token == rotation.Accepted && r.decision.Verb == rotation.Send {
			r.step = send
		}
		e.checkLogins(c)
		all = append(all, successor{How: name(fmt.Sprintf("logs in with %d, %s: %d", with, what, token)), State: c})
	}
	outcome("no fault", 0, rotation.Accepted, rotation.Accepted)
	outcome("response lost", 1, rotation.Unclear, rotation.Unclear)
	outcome("no connection", 1, rotation.Unsent, rotation.Unsent)
	if w.replicas[i].decision.Events && with == w.service.password && !w.service.locked {
		outcome("no events", 1, rotation.Accepted, rotation.Refused)
	}
	return all
}

// checkLogins holds the controllers to what the service allows for.
func (e *explorer) checkLogins(w *world) {
	w.service.failed = slices.DeleteFunc(w.service.failed, func(at time.Duration) bool {
		return w.elapsed-at >= time.Hour
	})
	if len(w.service.failed) > rotation.MaxFailedLogins && !w.forgotten {
		e.failf("%d failed log-ins in an hour", len(w.service.failed))
	}
}

// sendChange is the second call of Send.
func (e *explorer) sendChange(w *world, i int, name func(string) string) []successor {
	wanted := change{w.replicas[i].staging.current, w.replicas[i].staging.to, w.elapsed}
	var all []successor
	outcome := func(what string, budget func(*budget) *int, result rotation.Outcome, do func(*world) rotation.Outcome) {
		c := w.clone()
		if budget != nil {
			left := budget(&c.budget)
			if *left--; *left < 0 {
				return
			}
		}
		if done := do(c); result == rotation.Accepted {
			result = done
		}
		c.replicas[i].sending.Change, c.replicas[i].step = result, record
		how := fmt.Sprintf("changes %d to %d, %s: %d", wanted.current, wanted.to, what, result)
		all = append(all, successor{How: name(how), State: c})
	}
	nothing := func(*world) rotation.Outcome { return rotation.Unsent }
	if w.late(&w.replicas[i]) {
		outcome("too late", nil, rotation.Unsent, nothing)
		return all
	}
	for _, other := range w.service.late {
		if other.to != wanted.to && other.current == w.service.password {
			e.failf("%d is sent while %d is in flight", wanted.to, other.to)
		}
	}
	faults := func(b *budget) *int { return &b.faults }
	refusals := func(b *budget) *int { return &b.refusals }
	outcome("no fault", nil, rotation.Accepted, func(c *world) rotation.Outcome { return c.apply(wanted) })
	outcome("response lost", faults, rotation.Unclear, func(c *world) rotation.Outcome { return c.apply(wanted) })
	outcome("request lost", faults, rotation.Unclear, nothing)
	outcome("delayed", faults, rotation.Unclear, func(c *world) rotation.Outcome {
		c.service.late = append(c.service.late, wanted)
		return rotation.Unclear
	})
	outcome("refused by policy", refusals, rotation.Refused, nothing)
	return all
}

// record writes what came of it, if nobody else has written meanwhile.
func (w *world) record(r *replica) {
	decision, now := r.decision, w.now()
	w.write(r, func(object *v1alpha1.MessagesPassword) {
		switch decision.Verb {
		case rotation.LogIn:
			rotation.RecordLogin(object, decision, r.login, now)
		case rotation.Send:
			rotation.RecordSend(object, decision, r.sending, now)
		default:
			rotation.RecordCommit(object, decision, r.sending.Reason, beginning.Add(w.secret.written), now)
		}
	})
	*r = replica{}
}

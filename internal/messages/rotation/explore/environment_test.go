package explore_test

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// environment is what the service does by itself, and people.
func (e *explorer) environment(w *world) []successor {
	var all []successor
	happen := func(how string, budget func(*budget) *int, do func(*world)) {
		c := w.clone()
		if budget != nil {
			left := budget(&c.budget)
			if *left--; *left < 0 {
				return
			}
		}
		do(c)
		all = append(all, successor{How: how, State: c})
	}
	for i, c := range w.service.late {
		happen(fmt.Sprintf("the service changes %d to %d late", c.current, c.to), nil, func(n *world) {
			n.service.late = slices.Delete(n.service.late, i, i+1)
			n.apply(c)
		})
	}
	if w.service.locked {
		happen("the account is unlocked", nil, func(n *world) { n.service.locked = false })
	} else {
		lockouts := func(b *budget) *int { return &b.lockouts }
		happen("the account is locked", lockouts, func(n *world) { n.service.locked = true })
	}
	e.people(w, happen)
	return all
}

func (e *explorer) people(w *world, happen func(string, func(*budget) *int, func(*world))) {
	persons := func(b *budget) *int { return &b.persons }
	if w.secret.value != w.service.password {
		happen("a person puts the right password into the Secret", persons, func(n *world) {
			n.writeSecret(n.service.password)
		})
	}
	happen("a person changes the password elsewhere", persons, func(n *world) {
		n.service.password, n.elsewhere = n.fresh(), true
	})
	if w.staging.uid != 0 && w.object.Status.Rotation != nil && w.object.Status.Rotation.Attempts > 0 {
		happen("a person puts a wrong password into the Secret", persons, func(n *world) {
			n.writeSecret(n.fresh())
			n.mistyped = true
		})
		happen("a person deletes the staging Secret", persons, func(n *world) { n.staging, n.deleted = staging{}, true })
	}
	// From when it was read until the staging Secret is deleted, milliseconds later, nothing helps.
	deletes := func(r replica) bool { return r.step == act && r.decision.Verb == rotation.Unstage }
	if w.staging.uid != 0 && w.secret.value == w.staging.to && !slices.ContainsFunc(w.replicas[:], deletes) {
		happen("a person puts the password from before back", persons, func(n *world) {
			n.writeSecret(n.staging.current)
			n.mistyped = true
		})
	}
	happen("a person demands a rotation", func(b *budget) *int { return &b.demands }, func(n *world) {
		n.changeObject(func(o *v1alpha1.MessagesPassword) { o.Annotations[v1alpha1.AnnotationRotate] += "1" })
	})
	if w.budget.deletes && w.object.DeletionTimestamp == nil {
		happen("a person deletes the MessagesPassword", nil, func(n *world) {
			n.changeObject(func(o *v1alpha1.MessagesPassword) { o.DeletionTimestamp = &metav1.Time{Time: beginning} })
		})
	}
	happen("the MessagesPassword is made anew", func(b *budget) *int { return &b.recreations }, func(n *world) {
		n.object, n.gone, n.forgotten = newObject(n.object.UID+"1"), false, true
		n.version++
	})
	jumps := func(b *budget) *int { return &b.jumps }
	happen("the clock goes back a day", jumps, func(n *world) { n.skew -= 24 * time.Hour })
	happen("the clock goes forward a day", jumps, func(n *world) {
		n.skew += 24 * time.Hour
		n.forgotten = true
	})
}

func (w *world) changeObject(change func(*v1alpha1.MessagesPassword)) {
	w.object = w.object.DeepCopy()
	change(w.object)
	w.version++
}

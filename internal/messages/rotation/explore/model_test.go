package explore_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// value is a password. The first one is 1, and each that is made or thought of is another.
type value int

// world is one state of everything: a service, a cluster, controllers, and what may still go wrong.
type world struct {
	elapsed time.Duration // since the beginning, whatever the clock says
	skew    time.Duration // of the controllers' clock
	next    value         // which no password has had yet

	service service

	object  *v1alpha1.MessagesPassword // never changed in place
	version int                        // its resourceVersion
	gone    bool                       // whether its finalizer was removed after its deletion
	secret  secret
	staging staging
	staged  int // how many staging Secrets there were

	replicas [2]replica
	budget   budget

	// A person has changed the password elsewhere, and it is nowhere in the cluster.
	elsewhere bool
	// A person has deleted a staging Secret while it was needed: whatever comes, the password may be lost by that.
	deleted bool
	// A person has put a wrong password into the Secret.
	mistyped bool
	// forgotten is set once failed log-ins cannot be counted any more: an hour of a clock that was put forward is no hour,
	// and an object that is made anew knows nothing of what the one before has seen.
	forgotten bool
}

// budget is what may still happen.
type budget struct {
	replicas                                           int // that are there
	faults, crashes, persons, jumps, demands, lockouts int
	refusals                                           int // of a change, by policy
	recreations                                        int // of the object
	deletes                                            bool
}

// service is one account.
type service struct {
	password value
	locked   bool
	late     []change        // that may still be applied
	failed   []time.Duration // when it refused a log-in, or saw one with a wrong password whose response was lost
	proved   map[value]bool  // what it has given a token and events for; never changed in place
}

type change struct {
	current, to value
	at          time.Duration
}

type secret struct {
	value   value
	version int
	written time.Duration
}

type staging struct {
	uid         int // 0 if there is none
	owner       types.UID
	current, to value
}

// replica is a controller, between two steps of which anything may happen.
type replica struct {
	step     step
	snapshot rotation.Snapshot // what it has read
	decision rotation.Decision
	version  int // of the object that it has read or written last
	intended *v1alpha1.MessagesPassword
	inSecret value
	staging  staging
	login    rotation.Login
	sending  rotation.Sending
	begun    time.Duration
}

// step is what a replica does next.
type step int

const (
	look step = iota
	intend
	act
	send // after the token
	record
)

// beginning is when the histories begin. It is in the middle of a day, so that days end.
var beginning = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

func newWorld(b budget) *world {
	return &world{
		next: 2, service: service{password: 1}, object: newObject("1"), secret: secret{value: 1, version: 1}, budget: b,
	}
}

// newObject demands a rotation.
func newObject(uid types.UID) *v1alpha1.MessagesPassword {
	return &v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "messages", Name: "messages", UID: uid, Generation: 1, Finalizers: []string{rotation.Finalizer},
			Annotations: map[string]string{v1alpha1.AnnotationRotate: "1"},
		},
		Spec: v1alpha1.MessagesPasswordSpec{SecretRef: v1alpha1.MessagesSecretReference{Name: "messages"}},
	}
}

// now is what the controllers' clock says.
func (w *world) now() time.Time { return beginning.Add(w.elapsed + w.skew) }

func (w *world) fresh() value {
	w.next++
	return w.next - 1
}

// clone is a copy of which everything may be changed that is not replaced as a whole.
func (w *world) clone() *world {
	c := *w
	c.service.late = append([]change(nil), w.service.late...)
	c.service.failed = append([]time.Duration(nil), w.service.failed...)
	return &c
}

// snapshot is what a controller reads.
func (w *world) snapshot() rotation.Snapshot {
	s := rotation.Snapshot{
		Now: w.now(), Object: w.object,
		Secret: rotation.Secret{Version: versionName(w.secret.version), Written: beginning.Add(w.secret.written)},
	}
	if w.staging.uid == 0 {
		return s
	}
	s.Staging.UID = uidName(w.staging.uid)
	if w.staging.owner != w.object.UID {
		s.Staging.Owner = rotation.Abandoned
	}
	switch w.secret.value {
	case w.staging.current:
		s.Secret.Holds = rotation.HoldsCurrent
	case w.staging.to:
		s.Secret.Holds = rotation.HoldsNew
	}
	return s
}

func (w *world) writeSecret(v value) {
	w.secret = secret{value: v, version: w.secret.version + 1, written: w.elapsed}
}

// holds reports whether a password is in the cluster.
func (w *world) holds(v value) bool {
	return w.secret.value == v || w.staging.uid != 0 && (w.staging.current == v || w.staging.to == v)
}

// pass lets time pass.
func (w *world) pass(long time.Duration) {
	w.elapsed += long
	var late []change
	for _, c := range w.service.late {
		if w.elapsed-c.at < 24*time.Hour {
			late = append(late, c)
		}
	}
	w.service.late = late
}

// logIn asks for a token.
func (w *world) logIn(v value) rotation.Outcome {
	if v == w.service.password && !w.service.locked {
		return rotation.Accepted
	}
	w.service.failed = append(w.service.failed, w.elapsed)
	return rotation.Refused
}

// apply changes the password, if the current one is right.
func (w *world) apply(c change) rotation.Outcome {
	if c.current != w.service.password {
		return rotation.Refused
	}
	w.service.password = c.to
	return rotation.Accepted
}

func (w *world) prove(v value) {
	proved := map[value]bool{v: true}
	for other := range w.service.proved {
		proved[other] = true
	}
	w.service.proved = proved
}

func versionName(version int) string { return "v" + itoa(version) }
func uidName(uid int) types.UID      { return types.UID("u" + itoa(uid)) }

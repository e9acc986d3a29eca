package rotator

import (
	"cmp"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// account is a user of the service. The zero value is none.
type account struct{ endpoint, username string }

// use is what an object was last seen to do with an account.
type use struct {
	uid     types.UID
	account account
	// secret is the resourceVersion of its Secret.
	secret string
	// proved is the last password of the Secret that the service has taken.
	proved password.Password
	failed []metav1.MicroTime
}

// failedLogin is one of an object.
type failedLogin struct {
	uid types.UID
	at  time.Time
}

// accounts are those that the objects use, as last read. The service counts failed log-ins by the account, and knows
// nothing of objects: what one has cost still counts when it is gone, or its Secret has another username. That much is
// in memory only. The zero value is ready to use, from several goroutines.
type accounts struct {
	mutex sync.Mutex
	uses  map[types.NamespacedName]use
	// left are failed log-ins of objects that have no more to do with the account, or had not for a while.
	left map[account][]failedLogin
	// busy has the accounts about which somebody decides or calls.
	busy map[account]bool
}

// note remembers what an object does with an account, as its Secret says.
func (a *accounts) note(object *v1alpha1.MessagesPassword, with account, secret *corev1.Secret) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	name := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
	if was, known := a.uses[name]; known && (was.uid != object.UID || was.account != with) {
		a.leave(was)
	}
	if a.uses == nil {
		a.uses = map[types.NamespacedName]use{}
	}
	now := use{
		uid: object.UID, account: with, secret: versionOf(secret), failed: slices.Clone(object.Status.FailedLogins),
	}
	switch was := a.uses[name]; {
	case now.secret != "" && now.secret == object.Status.ProvedSecretVersion:
		now.proved = credentialsOf(secret).current
	case was.uid == now.uid && was.account == now.account:
		now.proved = was.proved
	}
	a.uses[name] = now
}

// forget is for an object that is gone.
func (a *accounts) forget(object types.NamespacedName) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.leave(a.uses[object])
	delete(a.uses, object)
}

// leave keeps the failed log-ins of an object that has no more to do with its account.
func (a *accounts) leave(was use) {
	for _, at := range was.failed {
		if a.left == nil {
			a.left = map[account][]failedLogin{}
		}
		a.left[was.account] = append(a.left[was.account], failedLogin{was.uid, at.Time})
	}
}

// of is the account that an object uses, as last read.
func (a *accounts) of(object *v1alpha1.MessagesPassword) (account, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found, known := a.uses[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	return found.account, known && found.uid == object.UID
}

// unchanged reports whether a Secret has the last password of an object that the service has taken, as far as that was
// seen since the start.
func (a *accounts) unchanged(object *v1alpha1.MessagesPassword, secret *corev1.Secret) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found := a.uses[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	its := credentialsOf(secret).current
	return found.uid == object.UID && its.Reveal() != "" && its.Equal(found.proved.Text)
}

// How sure it is that an account is that of an object. Anybody can write another account's username into a Secret.
const (
	passwordRefused = iota
	passwordUnknown
	passwordProved
)

// standing is what the service has said to the password of an object, as its Secret was last read.
func (a *accounts) standing(object *v1alpha1.MessagesPassword) int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found := a.uses[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	switch {
	case found.uid != object.UID || found.secret == "":
		return passwordUnknown
	case found.secret == object.Status.ProvedSecretVersion:
		return passwordProved
	case found.secret == object.Status.RefusedSecretVersion:
		return passwordRefused
	default:
		return passwordUnknown
	}
}

// leftBehind are the failed log-ins for an account that the statuses of the objects which use it do not tell of, for as
// long as they count.
func (a *accounts) leftBehind(of account, users map[types.UID]bool, now time.Time) []time.Time {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for account, logins := range a.left {
		logins = slices.DeleteFunc(logins, func(login failedLogin) bool { return !rotation.Counts(login.at, now) })
		if a.left[account] = logins; len(logins) == 0 {
			delete(a.left, account)
		}
	}
	var times []time.Time
	for _, login := range a.left[of] {
		if !users[login.uid] {
			times = append(times, login.at)
		}
	}
	return times
}

// acquire has an account for one pass at a time: two objects with the same one would each take the last log-in that
// there is. It reports whether nobody has it.
func (a *accounts) acquire(wanted account) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.busy[wanted] {
		return false
	}
	if a.busy == nil {
		a.busy = map[account]bool{}
	}
	if wanted.username != "" {
		a.busy[wanted] = true
	}
	return true
}

func (a *accounts) release(had account) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.busy, had)
}

// older reports whether an object was there before another one; of two that were made within a second, one of them.
func older(one, other *v1alpha1.MessagesPassword) bool {
	return cmp.Or(one.CreationTimestamp.Compare(other.CreationTimestamp.Time), cmp.Compare(one.UID, other.UID)) < 0
}

// inFlight reports whether an object may have sent a new password.
func inFlight(object *v1alpha1.MessagesPassword) bool {
	state := object.Status.State
	return state == v1alpha1.MessagesPasswordSent || state == v1alpha1.MessagesPasswordSettling
}

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
		if holds(secret, was.proved) && now.secret != object.Status.RefusedSecretVersion {
			now.secret = object.Status.ProvedSecretVersion // touched, and still what was proved
		}
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

// of is the account that an object uses, and the version of its Secret, as last read.
func (a *accounts) of(object *v1alpha1.MessagesPassword) (with account, version string, known bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found, known := a.uses[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	return found.account, found.secret, known && found.uid == object.UID
}

// unchanged reports whether a Secret has the last password of an object that the service has taken, as far as that was
// seen since the start.
func (a *accounts) unchanged(object *v1alpha1.MessagesPassword, secret *corev1.Secret) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found := a.uses[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]
	return found.uid == object.UID && holds(secret, found.proved)
}

// holds reports whether a Secret has a password, which is none where it is empty.
func holds(secret *corev1.Secret, wanted password.Password) bool {
	its := credentialsOf(secret).current
	return its.Reveal() != "" && its.Equal(wanted.Text)
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

// elsewhere reports whether a failed log-in of an object was one for another account, which it has left since.
func (a *accounts) elsewhere(of account, login failedLogin) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	same := func(one failedLogin) bool { return one.uid == login.uid && one.at.Equal(login.at) }
	if slices.ContainsFunc(a.left[of], same) {
		return false
	}
	for _, logins := range a.left {
		if slices.ContainsFunc(logins, same) {
			return true
		}
	}
	return false
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

// claim is what an object has to show for an account that others name, too; more goes before less. Anybody may name an
// account, and an old object come to name another; who has shown a password for it is not to be stopped by that.
type claim int

const (
	// claimRefused is for a password that the service has refused.
	claimRefused claim = iota
	claimUntried
	// claimAdopted is for a rotation of another object that was left behind, as it seems.
	claimAdopted
	// claimSent is for a new password that may have been sent, with a token for the one before.
	claimSent
	// claimProved is for a password that the service has taken, and nobody has replaced.
	claimProved
)

// claimOf is what an object can show that has a Secret of a version.
func claimOf(object *v1alpha1.MessagesPassword, version string) claim {
	switch {
	case version != "" && object.Status.ProvedSecretVersion == version:
		return claimProved
	case inFlight(object) && object.Status.Rotation.SendTime != nil:
		return claimSent
	case inFlight(object):
		return claimAdopted
	case version != "" && object.Status.RefusedSecretVersion == version:
		return claimRefused
	default:
		return claimUntried
	}
}

// goesFirst reports whether an object goes before another one with the same account: by what it has to show, and then
// by age; of two that were made within a second, one of them.
func goesFirst(one, other *v1alpha1.MessagesPassword, its, others string) bool {
	return cmp.Or(
		-cmp.Compare(claimOf(one, its), claimOf(other, others)),
		one.CreationTimestamp.Compare(other.CreationTimestamp.Time), cmp.Compare(one.UID, other.UID),
	) < 0
}

// inFlight reports whether an object may have sent a new password.
func inFlight(object *v1alpha1.MessagesPassword) bool {
	state := object.Status.State
	return object.Status.Rotation != nil &&
		(state == v1alpha1.MessagesPasswordSent || state == v1alpha1.MessagesPasswordSettling)
}

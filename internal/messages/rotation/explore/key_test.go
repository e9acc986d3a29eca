package explore_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

// keyOf tells states apart by what can matter for what comes. Times are those from now on, or ago for as long as they
// matter; passwords, versions and UIDs are numbered in the order in which they are met, since only equality matters.
func keyOf(w *world) explore.Key {
	k := keyWriter{names: map[string]int{}}
	k.world(w)
	return k.sum()
}

// keyOfPlace is the key of a state without what its controllers are doing and what else may go wrong.
func keyOfPlace(w *world) explore.Key {
	k := keyWriter{names: map[string]int{}}
	k.place(w)
	return k.sum()
}

type keyWriter struct {
	strings.Builder

	names map[string]int
}

func (k *keyWriter) sum() explore.Key { return explore.KeyOf([]byte(k.String())) }

// name numbers a name in the order in which names are met.
func (k *keyWriter) name(name string) {
	if name == "" {
		k.WriteString(" -")
		return
	}
	number, met := k.names[name]
	if !met {
		number = len(k.names) + 1
		k.names[name] = number
	}
	fmt.Fprintf(k, " %d", number)
}

func (k *keyWriter) value(v value) { k.name(fmt.Sprintf("password %d", v)) }

func (k *keyWriter) world(w *world) {
	k.place(w)
	fmt.Fprintf(k, "|%+v", w.budget)
	for i := range w.replicas[:w.budget.replicas] {
		k.replica(w, &w.replicas[i])
	}
}

func (k *keyWriter) place(w *world) {
	fmt.Fprintf(k, "%t %t %t %t %t %t|", w.gone, w.elsewhere, w.deleted, w.mistyped, w.forgotten, w.service.locked)
	k.value(w.secret.value)
	k.name(versionName(w.secret.version))
	k.staging(w.staging)
	k.value(w.service.password)
	for _, v := range []value{w.service.password, w.secret.value, w.staging.current, w.staging.to} {
		fmt.Fprint(k, w.service.proved[v])
	}
	for _, c := range w.service.late {
		k.value(c.current)
		k.value(c.to)
		fmt.Fprintf(k, " %s", w.elapsed-c.at)
	}
	for _, at := range w.service.failed {
		if ago := w.elapsed - at; ago < time.Hour {
			fmt.Fprintf(k, " %s", ago)
		}
	}
	k.object(w.object, w.now())
}

func (k *keyWriter) staging(s staging) {
	if s.uid == 0 {
		k.WriteString(" none")
		return
	}
	k.name(string(uidName(s.uid)))
	k.name("object " + string(s.owner))
	k.value(s.current)
	k.value(s.to)
}

// replica is what a controller is doing. All that it has decided follows from what it has read.
func (k *keyWriter) replica(w *world, r *replica) {
	fmt.Fprintf(k, "|%d", r.step)
	if r.step == look {
		return
	}
	fmt.Fprintf(k, " %t %t %v %v %v", r.version == w.version, w.late(r), r.decision.Verb, r.login, r.sending.Token)
	fmt.Fprintf(k, "%v %s %s %t", r.sending.Change, r.decision.Password, w.now().Sub(r.snapshot.Now), r.decision.Events)
	k.name(r.sending.Reason)
	k.value(r.inSecret)
	k.staging(r.staging)
	k.name(r.snapshot.Secret.Version)
	fmt.Fprintf(k, " %d", r.snapshot.Secret.Holds)
	k.object(r.snapshot.Object, w.now())
}

// relevant is what matters of an object.
func relevant(object *v1alpha1.MessagesPassword, now time.Time) string {
	k := keyWriter{names: map[string]int{}}
	k.object(object, now)
	s := &object.Status
	return fmt.Sprint(k.String(), s.ProvedSecretVersion, s.RefusedSecretVersion, s.RetiredStagingUID, s.Rotation != nil,
		s.CommittedStagingUID)
}

func (k *keyWriter) object(object *v1alpha1.MessagesPassword, now time.Time) {
	s := &object.Status
	fmt.Fprintf(k, "|%t %s %t %t", object.DeletionTimestamp != nil, s.State,
		object.Annotations[v1alpha1.AnnotationRotate] != s.LastHandledDemand, s.PasswordSince == nil)
	k.name("object " + string(object.UID))
	k.name(s.ProvedSecretVersion)
	k.name(s.RefusedSecretVersion)
	k.name(string(s.RetiredStagingUID))
	k.name(string(s.CommittedStagingUID))
	for _, since := range []*metav1.Time{s.LastRotationTime, s.SecretWriteTime} {
		if since != nil && s.CommittedStagingUID != "" {
			k.event(&metav1.MicroTime{Time: since.Time}, now, time.Hour)
		}
	}
	k.plan(s.NextCallTime, now)
	k.plan(s.NextProbeTime, now)
	if s.NextRotationTime != nil {
		k.plan(&metav1.MicroTime{Time: s.NextRotationTime.Time}, now)
	}
	k.event(s.LastCallTime, now, 0)
	k.event(s.ProofTime, now, 5*time.Minute)
	fmt.Fprintf(k, " %d %d", min(s.UnclearResponses, 5), min(s.RefusedProbes, 3))
	k.events(s.FailedLogins, now, time.Hour+rotation.CallTimeout)
	if s.Rotation != nil {
		k.rotation(s.Rotation, object, now)
	}
}

func (k *keyWriter) rotation(r *v1alpha1.MessagesRotation, object *v1alpha1.MessagesPassword, now time.Time) {
	k.name(string(r.StagingUID))
	fmt.Fprintf(k, " %t %s %s %s %d %d %d", r.Demand == object.Annotations[v1alpha1.AnnotationRotate], r.Change,
		r.NewPassword, r.CurrentPassword, min(r.Attempts, 7), min(r.Refusals, 6), len(r.RefusalTimes))
	k.event(r.SendTime, now, rotation.CallTimeout)
	k.plan(r.NextSendTime, now)
	k.events(r.UnclearSends, now, 24*time.Hour)
	if last := len(r.RefusalTimes); last > 0 {
		fmt.Fprintf(k, " %t", r.RefusalTimes[last-1].UTC().Truncate(24*time.Hour).Before(now.Truncate(24*time.Hour)))
	}
	fmt.Fprintf(k, " %s", now.Sub(now.Truncate(24*time.Hour)))
}

// plan is a time ahead, or none.
func (k *keyWriter) plan(at *metav1.MicroTime, now time.Time) {
	if at == nil || !at.After(now) {
		k.WriteString(" -")
		return
	}
	fmt.Fprintf(k, " %s", at.Sub(now))
}

// event is a time ago for as long as it matters; one ahead always does.
func (k *keyWriter) event(at *metav1.MicroTime, now time.Time, matters time.Duration) {
	if at == nil || !at.After(now) && now.Sub(at.Time) >= matters {
		k.WriteString(" -")
		return
	}
	fmt.Fprintf(k, " %s", now.Sub(at.Time))
}

func (k *keyWriter) events(all []metav1.MicroTime, now time.Time, matters time.Duration) {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b metav1.MicroTime) int { return cmp.Compare(a.UnixMicro(), b.UnixMicro()) })
	k.WriteString(" [")
	for i := range sorted {
		if sorted[i].After(now) || now.Sub(sorted[i].Time) < matters {
			k.event(&sorted[i], now, matters)
		}
	}
	k.WriteString("]")
}

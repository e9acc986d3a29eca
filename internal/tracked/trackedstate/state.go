// Package trackedstate says what is to be said of a TrackedCertificate, as a pure function of the certificate and the
// time. It calls nothing and reads no clock.
package trackedstate

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/reminders"
)

// How often a source is read: ConfigMaps and Secrets are not watched.
const (
	interval = time.Hour
	// unreadInterval is that of one that is missing, or holds no certificate: somebody may be waiting for it.
	unreadInterval = time.Minute
)

// defaultRemindBefore is spec.remindBefore where the API server has not filled it in.
const defaultRemindBefore = 60 * 24 * time.Hour

// Snapshot is what is known of a tracked certificate.
type Snapshot struct {
	// Now is the time.
	Now time.Time
	// Tracked is looked at only.
	Tracked *v1alpha1.TrackedCertificate
	// Problem says why the certificate cannot be read, empty if it can; Missing reports whether there is nothing.
	Problem string
	Missing bool
	// Leaf is the certificate, Above are the authorities that came with it.
	Leaf  *x509.Certificate
	Above []*x509.Certificate
}

// Statement is what one condition says.
type Statement struct {
	Holds           bool
	Reason, Message string
}

// Outcome is what is to be said from now on.
type Outcome struct {
	// Ready, Expiring and Changed are the conditions Ready, ExpiringSoon and NoticeDue.
	Ready, Expiring, Changed Statement
	// Notice that is to be sent, nil if none is.
	Notice *v1alpha1.Notice
	// FirstDigest is the digest of the facts when they were seen first; empty without a changeNotice.
	FirstDigest string
	// Reminder, in days before the end, and RemindedOf say what a person is reminded of; zero if nothing is due.
	Reminder   int32
	RemindedOf string
	// Next is when to look again.
	Next time.Time
}

// Decide says what is to be said of a certificate.
func Decide(s Snapshot) Outcome {
	outcome := Outcome{Next: s.Now.Add(interval), FirstDigest: s.Tracked.Status.FirstDigest}
	if s.Leaf == nil {
		reason := v1alpha1.ReasonSourceInvalid
		if s.Missing {
			reason = v1alpha1.ReasonSourceNotFound
		}
		if s.Tracked.Spec.Source.Certificate == "" {
			outcome.Next = s.Now.Add(unreadInterval)
		}
		unread := Statement{Reason: reason, Message: s.Problem}
		outcome.Ready, outcome.Expiring, outcome.Changed = unread, unread, unread
		return outcome
	}
	s.judgeEnd(&outcome)
	s.judgeChange(&outcome)
	return outcome
}

// judgeEnd says how much of the certificate is left.
func (s Snapshot) judgeEnd(outcome *Outcome) {
	end := s.Leaf.NotAfter
	ends := fmt.Sprintf("%s ends at %s", pki.QuoteName(s.Leaf.Subject), end.UTC().Format(time.RFC3339))
	outcome.Ready = Statement{true, v1alpha1.ReasonTracked, ends}
	outcome.Expiring = Statement{false, v1alpha1.ReasonTracked, ends}
	begins := end.Add(-s.remindBefore())
	if s.Now.Before(begins) {
		outcome.Next = reminders.Next(end, s.Now, reminders.Sooner(outcome.Next, begins))
		return
	}
	outcome.Expiring = Statement{true, v1alpha1.ReasonExpiringSoon, ends + s.whatToDo()}
	if !s.Now.Before(end) {
		ended := fmt.Sprintf("%s has ended at %s%s", pki.QuoteName(s.Leaf.Subject), end.UTC().Format(time.RFC3339),
			s.whatToDo())
		outcome.Ready = Statement{false, v1alpha1.ReasonExpired, ended}
		outcome.Expiring = Statement{true, v1alpha1.ReasonExpired, ended}
	}
	given := s.Tracked.Status.RemindedDays
	if s.isAnother() {
		given = nil
	}
	if days, due := reminders.Due(end.Sub(s.Now), s.remindBefore(), given); due {
		outcome.Reminder, outcome.RemindedOf = days, outcome.Expiring.Message
	}
	outcome.Next = reminders.Next(end, s.Now, reminders.Sooner(outcome.Next, soon(end, s.Now)))
}

// isAnother reports whether the certificate is another one than that of the status.
func (s Snapshot) isAnother() bool {
	return s.Tracked.Status.SerialNumber != pki.SerialNumber(s.Leaf) || s.Tracked.Status.NotAfter == nil ||
		!s.Tracked.Status.NotAfter.Time.Equal(s.Leaf.NotAfter)
}

func (s Snapshot) remindBefore() time.Duration { return RemindBefore(&s.Tracked.Spec) }

// RemindBefore is spec.remindBefore of a TrackedCertificate, or its default.
func RemindBefore(spec *v1alpha1.TrackedCertificateSpec) time.Duration {
	if spec.RemindBefore == nil {
		return defaultRemindBefore
	}
	return spec.RemindBefore.Duration
}

func (s Snapshot) whatToDo() string {
	text := ": get another one"
	if instructions := s.Tracked.Spec.Instructions; instructions != "" {
		text = ": " + instructions
	}
	if contact := s.Tracked.Spec.Contact; contact != "" {
		text += " (contact: " + contact + ")"
	}
	return text
}

// judgeChange says whether somebody has to be told of the certificate.
func (s Snapshot) judgeChange(outcome *Outcome) {
	notice := s.Tracked.Spec.ChangeNotice
	if notice == nil {
		outcome.FirstDigest = ""
		outcome.Changed = Statement{false, v1alpha1.ReasonAcknowledged, "nobody has to be told of changes"}
		return
	}
	digest := Digest(s.Leaf, s.Above)
	if outcome.FirstDigest == "" {
		outcome.FirstDigest = digest
	}
	known := s.Tracked.Spec.AcknowledgedDigest
	if known == "" {
		known = outcome.FirstDigest
	}
	changed := Changed(notice.When, known, digest)
	if len(changed) == 0 {
		outcome.Changed = Statement{false, v1alpha1.ReasonAcknowledged, notice.To + " knows of the certificate as it is"}
		return
	}
	outcome.Notice = &v1alpha1.Notice{
		To: notice.To, Subject: notice.Subject, Digest: digest,
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Leaf.Raw}),
	}
	outcome.Changed = Statement{true, v1alpha1.ReasonChanged, fmt.Sprintf("%s has changed: send status.notice to %s, "+
		"then acknowledge it: `kubectl patch trackedcertificate -n %s %s --type merge -p "+
		"'{\"spec\":{\"acknowledgedDigest\":\"%s\"}}'`", told(changed), notice.To,
		s.Tracked.Namespace, s.Tracked.Name, digest)}
}

// told names facts as a sentence does.
func told(facts []v1alpha1.ChangedFact) string {
	names := map[v1alpha1.ChangedFact]string{
		v1alpha1.ChangedCommonName: "the common name", v1alpha1.ChangedAuthorityChain: "the authority chain",
		v1alpha1.ChangedAny: "the certificate",
	}
	told := make([]string, 0, len(facts))
	for _, fact := range facts {
		told = append(told, names[fact])
	}
	return strings.Join(told, " and ")
}

// parts are where in a digest each fact is, in hexadecimal digits.
func parts() map[v1alpha1.ChangedFact][2]int {
	return map[v1alpha1.ChangedFact][2]int{
		v1alpha1.ChangedCommonName: {0, 21}, v1alpha1.ChangedAuthorityChain: {21, 42}, v1alpha1.ChangedAny: {42, 64},
	}
}

// Digest is that of all facts of a certificate that somebody may have to be told of: a part of SHA-256 for each, in
// lower-case hexadecimal. So whoever has acknowledged one has acknowledged every fact, also those that
// spec.changeNotice.when does not name until later.
func Digest(leaf *x509.Certificate, above []*x509.Certificate) string {
	facts := map[v1alpha1.ChangedFact]*bytes.Buffer{}
	add := func(fact v1alpha1.ChangedFact, what string, content []byte) {
		if facts[fact] == nil {
			facts[fact] = &bytes.Buffer{}
		}
		fmt.Fprintf(facts[fact], "%s %d\n%s\n", what, len(content), content)
	}
	add(v1alpha1.ChangedCommonName, "common name", []byte(leaf.Subject.CommonName))
	add(v1alpha1.ChangedAuthorityChain, "issuer", leaf.RawIssuer)
	add(v1alpha1.ChangedAuthorityChain, "issuer's key", leaf.AuthorityKeyId)
	for _, authority := range chain(leaf, above) {
		add(v1alpha1.ChangedAuthorityChain, "authority", authority.RawSubject)
		add(v1alpha1.ChangedAuthorityChain, "authority's key", authority.RawSubjectPublicKeyInfo)
	}
	add(v1alpha1.ChangedAny, "certificate", leaf.Raw)
	digest := make([]byte, hex.EncodedLen(sha256.Size))
	for fact, part := range parts() {
		sum := sha256.Sum256(facts[fact].Bytes())
		copy(digest[part[0]:part[1]], hex.EncodeToString(sum[:]))
	}
	return string(digest)
}

// Changed are those of some facts in which two digests differ, in their order.
func Changed(facts []v1alpha1.ChangedFact, one, other string) []v1alpha1.ChangedFact {
	var changed []v1alpha1.ChangedFact
	for _, fact := range facts {
		part := parts()[fact]
		if len(one) < part[1] || len(other) < part[1] || one[part[0]:part[1]] != other[part[0]:part[1]] {
			changed = append(changed, fact)
		}
	}
	return changed
}

// chain are the authorities above a certificate in the order of their signatures, as far as they are known: in which
// order a file holds them, how often, and what else is in it, changes nothing.
func chain(certificate *x509.Certificate, above []*x509.Certificate) []*x509.Certificate {
	var found []*x509.Certificate
	for range above {
		next := slices.IndexFunc(above, func(authority *x509.Certificate) bool {
			return bytes.Equal(authority.RawSubject, certificate.RawIssuer) && certificate.CheckSignatureFrom(authority) == nil
		})
		if next < 0 || bytes.Equal(certificate.RawSubject, certificate.RawIssuer) {
			break // a root is above nothing, also where the file has another certificate of it
		}
		certificate = above[next]
		found = append(found, certificate)
	}
	return found
}

// soon is a time if it is still to come, and else a while from now.
func soon(moment, now time.Time) time.Time {
	if moment.After(now) {
		return moment
	}
	return now.Add(interval)
}

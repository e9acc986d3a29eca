package stories

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// eventLog is what users could read, by namespace: every message of a CertificateRequest, however soon another one took
// its place, every reason of a VeroOrder, and every event.
type eventLog struct {
	mutex   sync.Mutex
	entries map[string]*entries
}

// entries are those of one namespace.
type entries struct {
	// messages are those of the condition Ready of the CertificateRequests, in the order in which they came.
	messages []message
	// last is the last one of each CertificateRequest.
	last   map[types.UID]string
	events []corev1.Event
	// told are the conditions Ready of VeroOrders, in the order in which they came.
	told []metav1.Condition
}

type message struct {
	request types.UID
	text    string
}

// expectation is one thing that the user reads.
type expectation struct {
	// reason is that of the event. Where nobody has to do anything, the VeroOrder's own will do.
	reason string
	// says are parts of the message, which the condition Ready of the CertificateRequest has, and the event.
	says []string
	// silent reports whether the CertificateRequest goes on to something else at once, or after some seconds, so that
	// it may be that only the event says it.
	silent bool
}

// keep begins the log.
func (l *eventLog) keep(ctx context.Context, w *world.World) error {
	_, err := testkit.Watch(ctx, w.Cluster.RESTConfig(), cache.Options{Scheme: w.Client.Scheme()}, l.write,
		&cmapi.CertificateRequest{}, &corev1.Event{}, &v1alpha1.VeroOrder{})
	return err
}

func (l *eventLog) write(object any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	switch object := object.(type) {
	case *cmapi.CertificateRequest:
		ready := cmutil.GetCertificateRequestCondition(object, cmapi.CertificateRequestConditionReady)
		in := l.in(object.Namespace)
		if ready != nil && in.last[object.UID] != ready.Message {
			in.messages = append(in.messages, message{object.UID, ready.Message})
			in.last[object.UID] = ready.Message
		}
	case *v1alpha1.VeroOrder:
		in := l.in(object.Namespace)
		if ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			in.told = append(in.told, *ready)
		}
	case *corev1.Event:
		in := l.in(object.Namespace)
		in.events = append(in.events, *object)
	}
}

// in returns the entries of a namespace. The mutex is held.
func (l *eventLog) in(namespace string) *entries {
	if l.entries == nil {
		l.entries = map[string]*entries{}
	}
	if l.entries[namespace] == nil {
		l.entries[namespace] = &entries{last: map[types.UID]string{}}
	}
	return l.entries[namespace]
}

// expect waits until the user could read this, after what was found before.
func (s *testCase) expect(what expectation) {
	s.Helper()
	s.Eventually(fmt.Sprintf("%s, saying %q", what.reason, what.says), thatHolds(func() bool { return s.find(what) }))
}

// find reports whether an event of the right type and, unless it is silent, a CertificateRequest have said it. An order
// may have said it in place of an event that is no Warning.
func (s *testCase) find(what expectation) bool {
	s.eventLog.mutex.Lock()
	defer s.eventLog.mutex.Unlock()
	class, in := corev1.EventTypeWarning, s.in(s.Namespace)
	if reasons.Of(what.reason).Quiet {
		class = corev1.EventTypeNormal
	}
	byOrder := class == corev1.EventTypeNormal && slices.ContainsFunc(in.told, func(ready metav1.Condition) bool {
		return ready.Reason == what.reason && testkit.ContainsAll(ready.Message, what.says)
	})
	if !byOrder && !slices.ContainsFunc(in.events, func(event corev1.Event) bool {
		return event.Type == class && event.Reason == what.reason && testkit.ContainsAll(event.Message, what.says)
	}) {
		return false
	}
	if what.silent {
		return true
	}
	index := slices.IndexFunc(in.messages[s.read:], func(message message) bool {
		return message.request != s.ignored && testkit.ContainsAll(message.text, what.says)
	})
	if index >= 0 {
		s.read += index + 1
		s.reader = in.messages[s.read-1].request
	}
	return index >= 0
}

// readAll lets no message count that has come until now.
func (s *testCase) readAll() {
	s.eventLog.mutex.Lock()
	defer s.eventLog.mutex.Unlock()
	s.read, s.reader = len(s.in(s.Namespace).messages), ""
}

// describe lists the entries of a namespace.
func (l *eventLog) describe(namespace string) string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	text := &strings.Builder{}
	for _, message := range l.in(namespace).messages {
		fmt.Fprintf(text, "request: %s\n", message.text)
	}
	for _, event := range l.in(namespace).events {
		fmt.Fprintf(text, "event: %s %s: %s\n", event.InvolvedObject.Kind, event.Reason, event.Message)
	}
	return text.String()
}

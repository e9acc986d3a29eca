package misbehavior

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// diary is what users could read, by namespace: every message of a CertificateRequest, however soon another one took
// its place, and every event.
type diary struct {
	mutex sync.Mutex
	pages map[string]*page
}

// page is what was told in one namespace.
type page struct {
	// messages are those of the condition Ready of the CertificateRequests, in the order in which they came.
	messages []string
	// last is the last one of each CertificateRequest.
	last   map[types.UID]string
	events []corev1.Event
}

// told is one thing that the user is told.
type told struct {
	// reason is that of the event.
	reason string
	// says are parts of the message, which the condition Ready of the CertificateRequest has, and the event.
	says []string
	// silent reports whether the CertificateRequest goes on to something else at once, so that only the event says it.
	silent bool
}

// keep begins the diary.
func (d *diary) keep(ctx context.Context, w *world.World) error {
	watched, err := cache.New(w.Cluster.RESTConfig(), cache.Options{Scheme: w.Client.Scheme()})
	if err != nil {
		return err
	}
	for _, kind := range []client.Object{&cmapi.CertificateRequest{}, &corev1.Event{}} {
		informer, err := watched.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: d.write, UpdateFunc: func(_, object any) { d.write(object) },
		}); err != nil {
			return err
		}
	}
	go func() { _ = watched.Start(ctx) }()
	if !watched.WaitForCacheSync(ctx) {
		return errors.New("what is told cannot be watched")
	}
	return nil
}

func (d *diary) write(object any) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch object := object.(type) {
	case *cmapi.CertificateRequest:
		ready := cmutil.GetCertificateRequestCondition(object, cmapi.CertificateRequestConditionReady)
		page := d.page(object.Namespace)
		if ready != nil && page.last[object.UID] != ready.Message {
			page.messages = append(page.messages, ready.Message)
			page.last[object.UID] = ready.Message
		}
	case *corev1.Event:
		page := d.page(object.Namespace)
		page.events = append(page.events, *object)
	}
}

// page is that of a namespace. The mutex is held.
func (d *diary) page(namespace string) *page {
	if d.pages == nil {
		d.pages = map[string]*page{}
	}
	if d.pages[namespace] == nil {
		d.pages[namespace] = &page{last: map[types.UID]string{}}
	}
	return d.pages[namespace]
}

// has reports whether a CertificateRequest of the namespace, and an event, have said it. After is the number of
// messages that came too early to count; the number with the one that was found comes back.
func (d *diary) has(namespace string, what told, after int) (until int, found bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	page := d.page(namespace)
	if !slices.ContainsFunc(page.events, func(event corev1.Event) bool {
		return event.Reason == what.reason && testkit.ContainsAll(event.Message, what.says)
	}) {
		return after, false
	}
	if what.silent {
		return after, true
	}
	index := slices.IndexFunc(page.messages[after:], func(text string) bool { return testkit.ContainsAll(text, what.says) })
	return after + index + 1, index >= 0
}

// length is how many messages there are of a namespace.
func (d *diary) length(namespace string) int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return len(d.page(namespace).messages)
}

// read is the page of a namespace for a person.
func (d *diary) read(namespace string) string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	text := &strings.Builder{}
	for _, message := range d.page(namespace).messages {
		text.WriteString("request: " + message + "\n")
	}
	for _, event := range d.page(namespace).events {
		text.WriteString("event: " + event.InvolvedObject.Kind + " " + event.Reason + ": " + event.Message + "\n")
	}
	return text.String()
}

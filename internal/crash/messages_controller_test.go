package crash_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// callPrefix begins the names of steps that are calls of Suomi.fi Messages.
	callPrefix = "call "
	callToken  = callPrefix + string(admin.MessagesToken)
	callChange = callPrefix + string(admin.MessagesChange)
	callEvents = callPrefix + string(admin.MessagesEvents)
)

// messagesController is a controller that rotates passwords.
type messagesController struct {
	*process

	environment *messagesEnvironment
	rotator     reconcile.Reconciler
	// asleep reports whether the timers of the process stand still while it is frozen, as those of a machine do that is
	// suspended.
	asleep bool
	// looks are how many there were, and looked is called after each.
	looks  int
	looked func()
	// pause is how long to look away where nothing was to be done, and steps how many there were then.
	pause     time.Duration
	lastSteps int
}

// startController starts a controller that remembers nothing. The promise is held to after each of its steps.
func (e *messagesEnvironment) startController(intercept interceptor) *messagesController {
	e.Helper()
	w := &messagesController{environment: e, looked: func() {}}
	w.process = e.start(func(s step, act func() error) error {
		return intercept(s, func() error {
			err := act()
			e.watch()
			return err
		})
	})
	w.eventful = true
	e.processes = append(e.processes, w.process)
	numbers, err := metrics.NewMessages(prometheus.NewPedanticRegistry(), nil, nil)
	e.must(err)
	access := messagesAccess{w.access(), e}
	w.rotator = rotator.New(rotator.Options{
		Client: access, Reader: access, Connect: w.connect, Random: rand.Reader, Clock: e.clock, Events: w.recorder(),
		Metrics: numbers,
	})
	return w
}

// messagesAccess lists in the namespaces of an environment, as the cache of a controller does that works in these.
type messagesAccess struct {
	stepClient

	environment *messagesEnvironment
}

func (a messagesAccess) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	asked := (&client.ListOptions{}).ApplyOptions(options)
	if asked.Namespace != "" {
		return a.stepClient.List(ctx, into, options...)
	}
	var all []runtime.Object
	for _, namespace := range a.environment.namespaces {
		if err := a.stepClient.List(ctx, into, append(options, client.InNamespace(namespace))...); err != nil {
			return err
		}
		found, err := meta.ExtractList(into)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	return meta.SetList(into, all)
}

func (w *messagesController) connect(
	object *v1alpha1.MessagesPassword, roots []*x509.Certificate,
) (rotator.Service, error) {
	service, err := messages.New(messages.Options{
		URL: object.Spec.URL, TLS: roots, Endpoints: endpoints.Rule{Allowed: home.Allowed, Bound: true},
		Clock: w.environment.clock,
	})
	return stepMessages{service, w}, err
}

// stepMessages is a controller's way to Suomi.fi Messages: its calls are steps of its controller.
type stepMessages struct {
	service    rotator.Service
	controller *messagesController
}

func (s stepMessages) Token(
	ctx context.Context, username string, with password.Password,
) (result messages.TokenResult) {
	s.call(ctx, admin.MessagesToken, func(ctx context.Context) { result = s.service.Token(ctx, username, with) })
	return result
}

func (s stepMessages) ChangePassword(
	ctx context.Context, token messages.Token, current, next password.Password,
) (result messages.Result) {
	s.call(ctx, admin.MessagesChange, func(ctx context.Context) {
		s.controller.environment.note(&s.controller.environment.sent, next.Reveal())
		result = s.service.ChangePassword(ctx, token, current, next)
	})
	return result
}

func (s stepMessages) Events(ctx context.Context, token messages.Token) (result messages.Result) {
	s.call(ctx, admin.MessagesEvents, func(ctx context.Context) { result = s.service.Events(ctx, token) })
	return result
}

// call makes a call, whose timers have run down where its process was frozen for longer.
func (s stepMessages) call(ctx context.Context, operation admin.MessagesOperation, made func(context.Context)) {
	e, began := s.controller.environment, s.controller.environment.clock.Now()
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	_ = s.controller.do(callPrefix+string(operation), nil, func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if !s.controller.asleep && e.clock.Since(began) > left {
			cancel()
		} else {
			e.called(ctx, operation)
		}
		made(ctx)
		return nil
	})
}

// work lets the controller work until all that was demanded is done, and reports whether it is still there then.
func (w *messagesController) work() (alive bool) {
	e := w.environment
	e.Helper()
	for range maxRounds {
		objects := e.objects()
		items := w.due(objects)
		for _, item := range items {
			w.looks++
			if !w.workOn(item) {
				return false
			}
			w.looked()
		}
		if len(items) > 0 {
			continue
		}
		settled := e.staging() == nil
		for i := range objects {
			settled = settled && e.settled(&objects[i])
			e.bring(&objects[i])
		}
		if settled && w.next().Sub(e.clock.Now()) >= time.Second {
			return true
		}
		w.passTime()
	}
	e.Fatalf("it goes round and round\n%s", e.describe())
	return true
}

// workNow lets the controller do what is to be done at this moment.
func (w *messagesController) workNow() {
	const enough = 60
	for range enough {
		items := w.due(w.environment.objects())
		for _, item := range items {
			if !w.workOn(item) {
				return
			}
		}
		next := w.next()
		switch now := w.environment.clock.Now(); {
		case len(items) > 0:
		case next.IsZero() || next.Sub(now) >= time.Second:
			return
		default:
			w.environment.clock.SetTime(next)
		}
	}
}

// passTime lets time pass until the next look: the longer, the longer nothing was to be done.
func (w *messagesController) passTime() {
	e := w.environment
	e.Helper()
	if steps := w.stepCount(); steps != w.lastSteps {
		w.lastSteps, w.pause = steps, 0
	}
	next := w.next()
	if next.IsZero() {
		e.Fatalf("it is stuck\n%s", e.describe())
	}
	if later := e.clock.Now().Add(w.pause); later.After(next) {
		next = later
	}
	w.pause = min(2*w.pause+time.Second, time.Hour)
	e.clock.SetTime(next)
	e.watch()
}

// due is what has to be looked at now. The triggers are those of Register: a change of spec or of an annotation.
func (w *messagesController) due(objects []v1alpha1.MessagesPassword) []workItem {
	earlier := w.queue
	w.queue = queue{}
	items := make([]workItem, 0, len(objects))
	for i := range objects {
		cause := fmt.Sprintf("%s/%d%v", objects[i].UID, objects[i].Generation, objects[i].Annotations)
		items = append(items, w.workItems(earlier, w.rotator, &objects[i], cause)...)
	}
	return items
}

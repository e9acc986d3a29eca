package rotator_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// pair is a world with an object in another namespace of the same controller, which is younger.
type pair struct {
	*world

	old, young *v1alpha1.MessagesPassword
	access     namespaced
}

func beginPair(t *testing.T) *pair {
	t.Helper()
	w := begin(t, nil)
	p := &pair{w, w.object, w.object.DeepCopy(), w.limited(server.Namespace(t))}
	w.reconciler = w.controller(p.access)
	p.young.ObjectMeta = metav1.ObjectMeta{Namespace: p.access.namespaces[0], Name: "messages"}
	p.young.Spec.URL = strings.Replace(p.young.Spec.URL, "https://", "https://x@", 1) + "/" // the same place
	w.must(server.Client.Create(t.Context(), p.young))
	if p.young.CreationTimestamp.Equal(&p.old.CreationTimestamp) && p.young.UID < p.old.UID {
		p.old, p.young = p.young, p.old
	}
	w.astray = true
	return p
}

// of turns to one of the two.
func (p *pair) of(object *v1alpha1.MessagesPassword) *pair {
	p.object = object
	return p
}

// tokens are how many log-ins there were.
func (p *pair) tokens() int { return p.counts.calls["token Done"] + p.counts.calls["token Refused"] }

func TestOneObjectRotatesAnAccount(t *testing.T) {
	t.Run("of two in different namespaces the older one", func(t *testing.T) {
		p := beginPair(t)
		p.of(p.old).put(first)
		p.settle()
		calls := p.tokens()
		p.username = strings.ToUpper(systemID)
		p.of(p.young).put(first)
		p.demand()
		p.settle()
		p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretShared)
		says := condition(p.young, v1alpha1.ConditionReady).Message
		if !strings.Contains(says, "MessagesPassword "+p.old.Namespace+"/messages rotates the same account: delete one") ||
			p.tokens() != calls {
			t.Errorf("after %d calls, not %d, it says %q", p.tokens(), calls, says)
		}
		p.must(server.Client.Delete(t.Context(), p.old))
		p.username = systemID
		p.put(first)
		p.leap(time.Minute)
		p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
	})
	t.Run("and the younger one while its rotation is in flight", func(t *testing.T) {
		p := beginPair(t)
		p.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		p.of(p.young).put(first)
		p.demand()
		p.settle()
		calls := p.tokens()
		p.of(p.old).put(first)
		p.demand()
		p.settle()
		p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretShared)
		if p.tokens() != calls {
			t.Error("both have called")
		}
		p.of(p.young).leap(time.Hour) // it is settled, and goes on
		p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
		if !p.works(p.inSecret()) {
			t.Errorf("it was not settled: %+v", p.object.Status)
		}
		p.of(p.old).leap(time.Minute)
		p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretShared)
		p.ledger()
	})
	t.Run("and no older one whose password was refused, where neither was proved", func(t *testing.T) {
		p := beginPair(t)
		p.of(p.old).put("Wrong-password-of-somebody-0815-x~")
		p.settle()
		p.of(p.young).put(first)
		p.settle()
		p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
	})
	t.Run("and none that has begun a rotation of another account", func(t *testing.T) {
		p := beginPair(t)
		_, err := p.admin.CreateMessagesAccount(t.Context(), admin.MessagesAccount{
			SystemID: "somebody-else", Password: first, Events: 1, ChangesPerHour: 1000,
		})
		p.must(err)
		p.username = "somebody-else"
		p.script(admin.MessagesFault{Kind: admin.MessagesReset, Operation: admin.MessagesChange})
		p.of(p.old).put(first)
		p.demand()
		p.settle()
		p.username = systemID
		p.put(first)
		p.settle()
		p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonUsernameChanged)
		p.reconciler = p.controller(p.access) // which reads anew whose account it is
		p.of(p.young).put(first)
		p.leap(time.Minute)
		p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
	})
}

// TestNobodyStopsAnAccountByNamingIt, nor locks it out: not with an old object that names another one from now on, nor
// with what looks like a rotation that was left behind.
func TestNobodyStopsAnAccountByNamingIt(t *testing.T) {
	const elses, gone = "somebody-else", "11111111-1111-1111-1111-111111111111"
	left := func(p *pair, username, maker string) {
		staging := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: p.object.Namespace, Name: stagingOf,
				Annotations: map[string]string{v1alpha1.AnnotationRotationOf: maker},
			},
			Data: map[string][]byte{
				v1alpha1.KeyUsername: []byte(username), v1alpha1.KeyPassword: []byte("Wrong-password-of-somebody-1~~~~~"),
				v1alpha1.KeyNewPassword: []byte("Wrong-password-of-somebody-2~~~~~"),
			},
		}
		p.must(client.IgnoreNotFound(server.Client.Delete(p.Context(), staging.DeepCopy())))
		p.must(server.Client.Create(p.Context(), staging))
	}
	for claim, does := range map[string]func(*pair){
		"with an old object":                        func(*pair) {},
		"with a rotation of an object that is gone": func(p *pair) { left(p, systemID, gone) },
		"with a rotation of its own":                func(p *pair) { left(p, systemID, string(p.object.UID)) },
		"with a rotation in flight of another account": func(p *pair) {
			left(p, elses, gone)
			p.settle()
		},
		"with another rotation in place of that": func(p *pair) {
			left(p, elses, gone)
			p.settle()
			left(p, systemID, string(p.object.UID))
		},
	} {
		t.Run(claim, func(t *testing.T) {
			p := beginPair(t)
			p.username = elses
			p.of(p.old).put("Wrong-password-of-somebody-3~~~~~")
			p.settle()
			p.username = systemID
			p.of(p.young).put(first)
			p.settle()
			p.of(p.old)
			does(p)
			for i := range 3 {
				p.of(p.old).put(fmt.Sprintf("Wrong-password-of-nobody-%d~~~~~~~", i))
				p.leap(2 * time.Minute)
				if says := condition(p.old, v1alpha1.ConditionNeedsPerson); says.Status != metav1.ConditionTrue {
					t.Errorf("it says %+v", says)
				}
				touched := p.of(p.young).secret("messages") // as tools do
				touched.Labels = map[string]string{"touched": strconv.Itoa(i)}
				p.must(server.Client.Update(t.Context(), touched))
				p.patch(func(object *v1alpha1.MessagesPassword) {
					metav1.SetMetaDataAnnotation(&object.ObjectMeta, v1alpha1.AnnotationRotate, strconv.Itoa(i))
				})
				p.settle()
				p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonRotated)
			}
			if got := p.ledger(); got.Failed != 0 || got.Applied != 3 {
				t.Errorf("the service says %+v", got)
			}
		})
	}
}

// slow is an API server that takes a second for a Secret of another namespace.
type slow struct {
	namespaced

	clock     *clocktesting.FakeClock
	namespace string
	reads     *int
}

func (s slow) Get(
	ctx context.Context, name client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if _, isSecret := into.(*corev1.Secret); isSecret && name.Namespace == s.namespace {
		*s.reads++
		s.clock.Step(time.Second)
	}
	return s.namespaced.Get(ctx, name, into, options...)
}

// TestManyObjectsMakeNoPassLate: whose accounts they use is read once, and not in the time of a pass.
func TestManyObjectsMakeNoPassLate(t *testing.T) {
	const many = 20
	p := beginPair(t)
	for i := range many {
		other := p.young.DeepCopy()
		other.ObjectMeta = metav1.ObjectMeta{Namespace: p.access.namespaces[0], Name: fmt.Sprintf("other-%d", i)}
		other.Spec.SecretRef.Name = other.Name
		server.Create(t, other)
	}
	reads := 0
	p.reconciler = p.controller(slow{p.access, p.clock, p.access.namespaces[0], &reads})
	if p.old.Namespace == p.access.namespaces[0] {
		p.old, p.young = p.young, p.old
	}
	p.must(server.Client.Delete(t.Context(), p.young))
	p.of(p.old).put(first)
	p.settle()
	p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
	if reads != many {
		t.Errorf("%d Secrets of %d others were read", reads, many)
	}
}

// unreadable is an API server that cannot read the Secrets of a namespace, which were encrypted with a lost key.
type unreadable struct {
	namespaced

	namespace string
}

func (u unreadable) Get(
	ctx context.Context, name client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if _, isSecret := into.(*corev1.Secret); isSecret && name.Namespace == u.namespace {
		return apierrors.NewInternalError(errors.New("unable to transform key"))
	}
	return u.namespaced.Get(ctx, name, into, options...)
}

// TestAnObjectThatCannotBeReadStopsNoOther, in whichever namespace it is.
func TestAnObjectThatCannotBeReadStopsNoOther(t *testing.T) {
	p := beginPair(t)
	p.reconciler = p.controller(unreadable{p.access, p.young.Namespace})
	misnamed := p.old.DeepCopy()
	misnamed.ObjectMeta = metav1.ObjectMeta{Namespace: p.old.Namespace, Name: "misnamed"}
	misnamed.Spec.SecretRef.Name = "a/b"
	p.must(server.Client.Create(t.Context(), misnamed))
	p.of(p.old).put(first)
	p.settle()
	p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
	p.of(misnamed).settle()
	p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretInvalid)
}

// TestAnAccountHasFourFailedLogInsAnHour, whichever objects they are of, and whether these are still there.
func TestAnAccountHasFourFailedLogInsAnHour(t *testing.T) {
	for claim, meanwhile := range map[string]func(*pair){
		"of two objects": func(p *pair) { p.of(p.old).put("Wrong-password-of-the-owner-4711") },
		"of two objects, and another controller": func(p *pair) {
			p.reconciler = p.controller(p.access)
			p.of(p.old).put("Wrong-password-of-the-owner-4711")
		},
		"of an object that was deleted": func(p *pair) {
			p.must(server.Client.Delete(p.Context(), p.object))
			p.settle()
			p.of(p.old).put("Wrong-password-of-the-owner-4711")
		},
		"of an object that is made anew": func(p *pair) {
			p.must(server.Client.Delete(p.Context(), p.object))
			p.object.ObjectMeta = metav1.ObjectMeta{Namespace: p.object.Namespace, Name: p.object.Name}
			p.object.Status = v1alpha1.MessagesPasswordStatus{}
			p.must(server.Client.Create(p.Context(), p.object))
		},
		"of an object that had another account meanwhile": func(p *pair) {
			p.username = "somebody-else"
			p.put(first)
			p.settle()
			p.username = systemID
			p.of(p.old).put("Wrong-password-of-the-owner-4711")
		},
	} {
		t.Run(claim, func(t *testing.T) {
			p := beginPair(t)
			p.of(p.young)
			for i := range 4 {
				p.put(fmt.Sprintf("Wrong-password-of-somebody-%d~~~~~", i))
				p.settle()
			}
			meanwhile(p)
			p.settle()
			p.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonLoginsExhausted)
			p.put(first)
			p.leap(59 * time.Minute)
			p.expect(v1alpha1.ConditionReady, false, v1alpha1.ReasonLoginsExhausted)
			p.leap(2 * time.Minute)
			p.expect(v1alpha1.ConditionReady, true, v1alpha1.ReasonPasswordProved)
			if got := p.ledger(); got.Failed != 4 {
				t.Errorf("%d log-ins have failed", got.Failed)
			}
		})
	}
}

// hooked does something before it logs in.
type hooked struct {
	rotator.Service

	before func()
}

func (h hooked) Token(ctx context.Context, username string, with password.Password) messages.TokenResult {
	h.before()
	return h.Service.Token(ctx, username, with)
}

// TestWhileOneLogsInTheOtherWaits: what it would count is not written yet.
func TestWhileOneLogsInTheOtherWaits(t *testing.T) {
	p := beginPair(t)
	p.of(p.old).put(first)
	p.of(p.young).put(first)
	met := 0
	p.reconciler = p.controllerWith(p.access, func(
		object *v1alpha1.MessagesPassword, roots []*x509.Certificate,
	) (rotator.Service, error) {
		service, err := p.connect(object, roots)
		return hooked{service, func() {
			result, err := p.reconciler.Reconcile(t.Context(), reconcile.Request{
				NamespacedName: client.ObjectKeyFromObject(p.young),
			})
			p.must(err)
			if result.RequeueAfter != time.Second {
				t.Errorf("it goes on meanwhile: %+v", result)
			}
			met++
		}}, err
	})
	p.of(p.old).settle()
	if met != 1 {
		t.Errorf("they have met %d times", met)
	}
	p.of(p.young).settle()
	p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretShared)
}

// stagingOf is the name of the Secret beside that of an account.
var stagingOf = rotation.StagingName("messages")

// reading counts how many MessagesPasswords are read one by one.
type reading struct {
	client.Client

	reads *int
}

func (r reading) Get(
	ctx context.Context, name client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if _, is := into.(*v1alpha1.MessagesPassword); is {
		*r.reads++
	}
	return r.Client.Get(ctx, name, into, options...)
}

// TestManyObjectsOfAnAccountMakeNoPassLate, neither of the one that goes first nor of the others.
func TestManyObjectsOfAnAccountMakeNoPassLate(t *testing.T) {
	const many, few = 20, 2
	p := beginPair(t)
	p.of(p.old).put(first)
	p.settle()
	p.of(p.young).put("Wrong-password-of-somebody-1~~~~~")
	for range many {
		other := p.young.DeepCopy()
		other.ObjectMeta = metav1.ObjectMeta{Namespace: p.young.Namespace, GenerateName: "other-"}
		p.must(server.Client.Create(t.Context(), other))
	}
	reads := 0
	p.reconciler = p.controller(reading{p.access, &reads})
	for _, object := range []*v1alpha1.MessagesPassword{p.old, p.young} {
		reads = 0
		if p.of(object).reconcile(); reads > few {
			t.Errorf("%s has read %d objects", object.Namespace, reads)
		}
	}
	p.reload()
	p.expect(v1alpha1.ConditionNeedsPerson, true, v1alpha1.ReasonSecretShared)
}

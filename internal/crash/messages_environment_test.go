package crash_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

const (
	systemID = "esimerkki"
	// messagesName is that of a MessagesPassword and of its Secret.
	messagesName = "messages"
	// ownersPassword is the first one, broughtPassword what a person brings who has changed it elsewhere.
	ownersPassword  = "First-password-of-the-owner-4711"
	broughtPassword = "Brought-by-a-person-0123456789-x~"
)

// messagesEnvironment is where the password of one account is rotated.
type messagesEnvironment struct {
	base

	admin *admin.Client
	url   string
	roots []byte
	// secretName is that of the Secret whose password is rotated.
	secretName string
	// namespaces are those in which controllers work.
	namespaces []string
	fault      messagesFault
	processes  []*process

	mutex sync.Mutex
	// calls are how often each was made, sent the new passwords that were ever sent.
	calls map[admin.MessagesOperation]int
	sent  []string
	// published are the passwords that the Secret was ever seen with.
	published []string
	// problems are what was seen of promises that were not kept.
	problems []string
	// struck reports whether the fault has been scripted, sentBefore how many new passwords had been sent by then.
	struck     bool
	sentBefore int
}

// messagesFault strikes when a call is made for the nth time, counted from 1 and over all controllers.
type messagesFault struct {
	nth int
	admin.MessagesFault
}

// messagesScenario is a rotation that somebody has demanded.
type messagesScenario struct {
	fault messagesFault
	// tokensSurvive is what tokens do when the password is changed.
	tokensSurvive bool
}

func (s messagesScenario) environment(t *testing.T) *messagesEnvironment {
	t.Helper()
	e := &messagesEnvironment{
		base: newBase(t), secretName: messagesName, fault: s.fault, calls: map[admin.MessagesOperation]int{},
		published: []string{ownersPassword},
	}
	made, control, host := e.simulate()
	e.admin, e.url, e.roots = control, host, made.Bundle(authority.TLSBundle)
	e.namespaces = []string{e.namespace}
	_, err := e.admin.CreateMessagesAccount(t.Context(), admin.MessagesAccount{
		SystemID: systemID, Password: ownersPassword, Events: 1, TokensSurvive: s.tokensSurvive,
	})
	e.must(err)
	e.makeMessagesPassword(e.namespace, messagesName, messagesName)
	return e
}

// makeMessagesPassword makes a MessagesPassword and its Secret, with a demand for a rotation.
func (e *messagesEnvironment) makeMessagesPassword(namespace, name, secretName string) *v1alpha1.MessagesPassword {
	e.Helper()
	e.must(client.IgnoreAlreadyExists(server.Client.Create(e.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secretName},
		Data: map[string][]byte{
			v1alpha1.KeyUsername: []byte(systemID), v1alpha1.KeyPassword: []byte(ownersPassword),
		},
	})))
	made := &v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: map[string]string{v1alpha1.AnnotationRotate: "somebody has left"},
		},
		Spec: v1alpha1.MessagesPasswordSpec{
			URL: e.url, SecretRef: v1alpha1.MessagesSecretReference{Name: secretName},
			TLS: &v1alpha1.BundleSource{CABundle: e.roots},
		},
	}
	e.must(server.Client.Create(e.Context(), made))
	return made
}

// objects are all MessagesPasswords of the environment.
func (e *messagesEnvironment) objects() []v1alpha1.MessagesPassword {
	e.Helper()
	all := make([]v1alpha1.MessagesPassword, 0, len(e.namespaces))
	for _, namespace := range e.namespaces {
		found := &v1alpha1.MessagesPasswordList{}
		e.must(server.Client.List(e.Context(), found, client.InNamespace(namespace)))
		all = append(all, found.Items...)
	}
	return all
}

// demand demands one more rotation.
func (e *messagesEnvironment) demand(what string) error {
	object := &v1alpha1.MessagesPassword{}
	if err := server.Client.Get(e.Context(), e.key(messagesName), object); err != nil {
		return err
	}
	before := object.DeepCopy()
	metav1.SetMetaDataAnnotation(&object.ObjectMeta, v1alpha1.AnnotationRotate, what)
	return server.Client.Patch(e.Context(), object, client.MergeFrom(before))
}

func (e *messagesEnvironment) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: e.namespace, Name: name}
}

// settled reports whether what was demanded was done, and nothing is left to do.
func (e *messagesEnvironment) settled(object *v1alpha1.MessagesPassword) bool {
	if needsPerson(object, v1alpha1.ReasonSecretShared) {
		return true
	}
	status := &object.Status
	return status.LastHandledDemand == object.Annotations[v1alpha1.AnnotationRotate] && status.Rotation == nil &&
		status.State == v1alpha1.MessagesPasswordIdle &&
		meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady)
}

// needsPerson reports whether a MessagesPassword asks for a person, for a reason.
func needsPerson(object *v1alpha1.MessagesPassword, reason string) bool {
	asks := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionNeedsPerson)
	return asks != nil && asks.Status == metav1.ConditionTrue && asks.Reason == reason
}

// bring is the person who has changed the password elsewhere, and puts it into the Secret when asked for it.
func (e *messagesEnvironment) bring(object *v1alpha1.MessagesPassword) {
	e.Helper()
	if !meta.IsStatusConditionTrue(object.Status.Conditions, v1alpha1.ConditionNeedsPerson) || !e.works(broughtPassword) {
		return
	}
	secret := e.secret(e.secretName)
	if e.note(&e.published, broughtPassword) {
		secret.Data[v1alpha1.KeyPassword] = []byte(broughtPassword)
		e.must(server.Client.Update(e.Context(), secret))
	}
}

// called scripts the fault whose time has come.
func (e *messagesEnvironment) called(ctx context.Context, operation admin.MessagesOperation) {
	e.mutex.Lock()
	e.calls[operation]++
	strikes := e.fault.Operation == operation && e.fault.nth == e.calls[operation]
	if strikes {
		e.struck, e.sentBefore = true, len(e.sent)
	}
	e.mutex.Unlock()
	if !strikes {
		return
	}
	if _, err := e.admin.ScriptMessages(context.WithoutCancel(ctx), e.fault.MessagesFault); err != nil {
		e.Error(err)
	}
}

// note adds a value to a list, and reports whether it is new there.
func (e *messagesEnvironment) note(list *[]string, value string) bool {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if slices.Contains(*list, value) {
		return false
	}
	*list = append(*list, value)
	return true
}

// secret is one of the two Secrets, nil if there is none.
func (e *messagesEnvironment) secret(name string) *corev1.Secret {
	e.Helper()
	found := &corev1.Secret{}
	switch err := server.Client.Get(e.Context(), e.key(name), found); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		e.Error(err)
		return nil
	}
	return found
}

// staging is the Secret beside the one that is rotated, nil if there is none.
func (e *messagesEnvironment) staging() *corev1.Secret {
	e.Helper()
	return e.secret(rotation.StagingName(e.secretName))
}

package monitoring_test

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// mail is the namespace in which passwords rotate.
const mail = "messages"

// rotatePasswords has one password rotated whose application fetches no messages, and three that are not: it is wrong,
// it is not there, and the service is away.
func rotatePasswords(ctx context.Context, a *scenarioRun) error {
	const right, wrong = "First-password-of-the-owner-4711", "Wrong-password-of-the-owner-4711"
	_, err := a.service.ScriptMessages(ctx, admin.MessagesFault{
		Kind: admin.MessagesHTTPStatus, SystemID: "away", ForDuration: always,
	})
	rotated, failure := a.service.MessagesPassword(ctx, a.namespace, "suomifi")
	rotated.Annotations = map[string]string{v1alpha1.AnnotationRotate: "now"}
	rotated.Spec.Retrieval = &v1alpha1.MessagesRetrieval{
		Heartbeat: &v1alpha1.MessagesHeartbeat{DeploymentName: "fetcher"}, MaxAge: &metav1.Duration{Duration: time.Hour},
	}
	err = errors.Join(
		err, failure, a.client.Create(ctx, fetcher(a.namespace, 2*time.Hour)), a.client.Create(ctx, rotated))
	for name, password := range map[string]string{"suomifi": right, "refused": wrong, "away": right} {
		_, failure := a.service.CreateMessagesAccount(ctx, admin.MessagesAccount{SystemID: name, Password: right})
		err = errors.Join(err, failure, a.client.Create(ctx, world.MessagesSecret(a.namespace, name, name, password)))
	}
	for _, name := range []string{"refused", "away", "missing"} {
		object, failure := a.service.MessagesPassword(ctx, a.namespace, name)
		err = errors.Join(err, failure, a.client.Create(ctx, object))
	}
	return err
}

// fetcher is an application that has fetched messages some time ago.
func fetcher(namespace string, age time.Duration) *appsv1.Deployment {
	app := map[string]string{"app": "fetcher"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "fetcher", Annotations: map[string]string{
			"varmenne.dev/messages-retrieved": time.Now().Add(-age).UTC().Format(time.RFC3339),
		}},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: app},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: app},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "fetcher", Image: "example"}}},
			},
		},
	}
}

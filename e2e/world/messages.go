package world

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// MessagesName is the controller that rotates passwords of Suomi.fi Messages: its process, ServiceAccount and lease.
const MessagesName = name + "-messages"

// MessagesValues are values of the chart that have passwords rotated in some namespaces, of services on loopback: what
// Options.Values has under "messages".
func MessagesValues(namespaces ...string) map[string]any {
	return map[string]any{
		"enabled": true, "namespaces": namespaces, "allowedEndpoints": []string{loopback},
	}
}

// StartMessages starts a replica of that controller, also after it was stopped or killed, and returns when it is ready:
// it may have to wait for the lease of another one. Replicas count from 1. The namespaces that Options.Values name
// exist already.
func (w *World) StartMessages(ctx context.Context, number int) error {
	w.step("Starting the controller that rotates passwords of Suomi.fi Messages.")
	return w.start(ctx, program{
		process: numbered(MessagesName, number), deployment: MessagesName, more: w.options.MessagesArgs,
		// It finishes and records the calls of a decision.
		grace: 90 * time.Second,
	}, (*Replica).ready)
}

// Messages is the replica of that controller that was last started with a number, or nil.
func (w *World) Messages(number int) *Replica { return w.replica(numbered(MessagesName, number)) }

// MessagesPassword is one for an account of the service, whose Secret has the same name.
func (s *Service) MessagesPassword(ctx context.Context, namespace, name string) (*v1alpha1.MessagesPassword, error) {
	authorities, err := s.TLSBundle(ctx)
	return &v1alpha1.MessagesPassword{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.MessagesPasswordSpec{
			URL: s.MessagesURL, TLS: &v1alpha1.BundleSource{CABundle: authorities},
			SecretRef: v1alpha1.MessagesSecretReference{Name: name},
		},
	}, err
}

// MessagesSecret is the Secret of one, as a person makes it of what the owner of the service has sent.
func MessagesSecret(namespace, name, systemID, password string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		StringData: map[string]string{v1alpha1.KeyUsername: systemID, v1alpha1.KeyPassword: password},
	}
}

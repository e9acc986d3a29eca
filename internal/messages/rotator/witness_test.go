package rotator_test

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// witness is the access of a controller that has the only object of its namespace. It knows what the Secrets hold
// without asking the API server once more, and lists the object as a cache does.
type witness struct {
	client.Client

	object  v1alpha1.MessagesPassword
	secrets map[string]map[string][]byte
}

func (w *witness) Get(
	ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	err := w.Client.Get(ctx, key, into, options...)
	if object, ok := into.(*v1alpha1.MessagesPassword); ok && err == nil {
		object.DeepCopyInto(&w.object)
	}
	return err
}

func (w *witness) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if list, ok := into.(*v1alpha1.MessagesPasswordList); ok {
		list.Items = []v1alpha1.MessagesPassword{*w.object.DeepCopy()}
		return nil
	}
	return w.Client.List(ctx, into, options...)
}

func (w *witness) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	err := w.Client.Create(ctx, object, options...)
	if err == nil {
		w.note(object)
	}
	return err
}

func (w *witness) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	err := w.Client.Update(ctx, object, options...)
	if err == nil && len((&client.UpdateOptions{}).ApplyOptions(options).DryRun) == 0 {
		w.note(object)
	}
	return err
}

func (w *witness) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	err := w.Client.Delete(ctx, object, options...)
	if _, ok := object.(*corev1.Secret); ok && err == nil {
		delete(w.secrets, object.GetName())
	}
	return err
}

func (w *witness) note(object client.Object) {
	if secret, ok := object.(*corev1.Secret); ok {
		w.secrets[secret.Name] = secret.Data
	}
}

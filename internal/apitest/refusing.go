package apitest

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Unreadable is a client whose Get fails with what Refusal says of the object; nil lets it through.
type Unreadable struct {
	client.Client

	// Refusal decides by the type of the object, whose fields are not filled yet.
	Refusal func(object client.Object) error
}

// Get reads the object, unless that is refused.
func (u Unreadable) Get(
	ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption,
) error {
	if err := u.Refusal(object); err != nil {
		return err
	}
	return u.Client.Get(ctx, key, object, options...)
}

// Unwritable is a client that lets no status be written.
type Unwritable struct {
	client.Client

	// Refusal is the error of every try.
	Refusal error
}

// Status is a writer of no status.
func (u Unwritable) Status() client.SubResourceWriter { return refusing{refusal: u.Refusal} }

type refusing struct {
	client.SubResourceWriter

	refusal error
}

func (r refusing) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return r.refusal
}

func (r refusing) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return r.refusal
}

package apitest

import (
	"context"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Indexes are functions by which a manager's cache finds objects, by the names of the indexes.
type Indexes map[string]client.IndexerFunc

// IndexField implements client.FieldIndexer: it keeps a function. Indexes of several types may have the same name;
// their functions find nothing in objects of other types.
func (i Indexes) IndexField(_ context.Context, _ client.Object, field string, function client.IndexerFunc) error {
	others := i[field]
	i[field] = func(object client.Object) []string {
		if others == nil {
			return function(object)
		}
		return append(others(object), function(object)...)
	}
	return nil
}

// Indexed answers lists of a client by what an index function prepares.
func (s *Server) Indexed(
	t *testing.T, access client.Client, prepare func(context.Context, client.FieldIndexer) error,
) Indexed {
	t.Helper()
	indexed := Indexed{Client: access, Indexes: Indexes{}}
	if err := prepare(t.Context(), indexed.Indexes); err != nil {
		t.Fatal(err)
	}
	return indexed
}

// Indexed is a client that answers lists by index, as that of a manager does, from what the API server has.
type Indexed struct {
	client.Client

	// Indexes are those that can be asked for.
	Indexes Indexes
}

// List lists the objects of an index, or all that the client lists.
func (i Indexed) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	asked := &client.ListOptions{}
	asked.ApplyOptions(options)
	if asked.FieldSelector == nil {
		return i.Client.List(ctx, into, options...)
	}
	if err := i.Client.List(ctx, into, client.InNamespace(asked.Namespace)); err != nil {
		return err
	}
	all, err := meta.ExtractList(into)
	if err != nil {
		return err
	}
	wanted := asked.FieldSelector.Requirements()[0]
	return meta.SetList(into, slices.DeleteFunc(all, func(found runtime.Object) bool {
		object, ok := found.(client.Object)
		return !ok || !slices.Contains(i.Indexes[wanted.Field](object), wanted.Value)
	}))
}

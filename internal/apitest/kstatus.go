package apitest

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kstatus compares what kstatus, by which Flux, Helm and others tell that what they have applied is ready, says of an
// object as the API server has it now.
func (s *Server) Kstatus(t *testing.T, found client.Object, want status.Status, when string) {
	t.Helper()
	object := &unstructured.Unstructured{}
	gvk, err := s.Client.GroupVersionKindFor(found)
	if err != nil {
		t.Fatal(err)
	}
	object.SetGroupVersionKind(gvk)
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(found), object); err != nil {
		t.Fatal(err)
	}
	got, err := status.Compute(object)
	if err != nil || got.Status != want {
		t.Errorf("%s, the %s is %+v, want %s: %v; it says %v", when, gvk.Kind, got, want, err, object.Object["status"])
	}
}

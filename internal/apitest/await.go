package apitest

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Await reads an object again and again until it is as a test waits for it. Unless it is in time, the test ends.
func (s *Server) Await(t *testing.T, object client.Object, within time.Duration, holds func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, within, true,
		func(ctx context.Context) (bool, error) {
			err := s.Client.Get(ctx, client.ObjectKeyFromObject(object), object)
			return holds(), err
		})
	if err != nil {
		t.Fatalf("%v; it is %+v", err, object)
	}
}

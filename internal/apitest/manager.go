package apitest

import (
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// Run starts a manager for one namespace, or all, with what register adds to it. It returns when the cache is filled.
// The manager runs until the test ends, and an error fails the test.
func (s *Server) Run(t *testing.T, namespace string, register func(ctrl.Manager) error) {
	t.Helper()
	options := ctrl.Options{
		Scheme: s.Client.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		// As the controller has it. At its end the priority queue can wait for itself for ever
		// (https://github.com/kubernetes-sigs/controller-runtime/issues/3538).
		Controller: config.Controller{UsePriorityQueue: new(false)},
	}
	outline.Prepare(&options, nil)
	manager, err := ctrl.NewManager(s.Config, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := register(manager); err != nil {
		t.Fatal(err)
	}
	ended, ctx := make(chan error, 1), t.Context()
	go func() { ended <- manager.Start(ctx) }()
	select {
	case <-manager.Elected(): // without an election, once the caches have been filled
	case err := <-ended:
		t.Fatal("the manager has ended: ", err)
	}
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

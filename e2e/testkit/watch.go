package testkit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Watch keeps the objects of some kinds in a cache until the context ends, and returns when those are read that are
// there. It calls see, if there is one, for each of them, for those that come, and whenever one changes.
func Watch(
	ctx context.Context, config *rest.Config, options cache.Options, see func(any), kinds ...client.Object,
) (client.Reader, error) {
	watched, err := cache.New(config, options)
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		informer, err := watched.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err == nil && see != nil {
			_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
				AddFunc: see, UpdateFunc: func(_, object any) { see(object) },
			})
		}
		if err != nil {
			return nil, err
		}
	}
	go func() { _ = watched.Start(ctx) }()
	if !watched.WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("%T cannot be watched", kinds)
	}
	return watched, nil
}

// Repeat does something again and again, with a pause in between, until stop is called or the test ends. What has begun
// is finished then.
func Repeat(t testing.TB, pause time.Duration, do func(context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { wait.UntilWithContext(ctx, do, pause) })
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// Pass lets a time go by, or the test end.
func Pass(t testing.TB, moment time.Duration) {
	t.Helper()
	over := time.NewTimer(moment)
	defer over.Stop()
	select {
	case <-over.C:
	case <-t.Context().Done():
	}
}

package monitoring_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

const (
	// interval is how often the replicas are scraped.
	interval = time.Second
	// timeout is how long something is waited for. It is far above what a busy machine needs.
	timeout = 2 * time.Minute
	// first and second are the Pods of the replicas.
	first, second = "varmenne-issuer-6d5f8c7b9-4xk2p", "varmenne-issuer-6d5f8c7b9-q8z7m"
	// rotator is the Pod of the process that rotates passwords.
	rotator = "varmenne-issuer-messages-7c9d5b8f6-t2v4n"
)

// recorder scrapes the replicas while scenarios run.
type recorder struct {
	recording *recording.Recording
	targets   []recording.Target

	mutex   sync.Mutex
	scraped *sync.Cond
	scrapes int
	err     error
}

func newRecorder(w *world.World, into *recording.Recording) *recorder {
	r := &recorder{recording: into}
	r.scraped = sync.NewCond(&r.mutex)
	for number, pod := range map[int]string{1: first, 2: second} {
		r.targets = append(r.targets, target("varmenne-issuer", pod, number, func() *world.Replica {
			return w.Replica(number)
		}))
	}
	const third = 3
	r.targets = append(r.targets, target(world.MessagesName, rotator, third, func() *world.Replica {
		return w.Messages(1)
	}))
	return r
}

// target has the labels that the chart's ServiceMonitor gives.
func target(job, pod string, number int, replica func() *world.Replica) recording.Target {
	return recording.Target{
		Labels: labels.FromStrings("job", job, "namespace", "varmenne-issuer", "pod", pod,
			"instance", fmt.Sprintf("10.0.0.%d:8080", number)),
		Read: func(ctx context.Context) (string, error) { return replica().Metrics(ctx) },
	}
}

// during scrapes until the scenarios are over.
func (r *recorder) during(ctx context.Context, scenarios func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.scrapeUntil(ctx)
	}()
	err := scenarios()
	cancel()
	<-done
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return errors.Join(err, r.err)
}

func (r *recorder) scrapeUntil(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		r.scrape(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (r *recorder) scrape(ctx context.Context, now time.Time) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, target := range r.targets {
		if ctx.Err() == nil {
			// What does not answer is recorded as such; what cannot be recorded fails the test.
			r.err = errors.Join(r.err, r.recording.Scrape(context.WithoutCancel(ctx), target, now))
		}
	}
	r.scrapes++
	r.scraped.Broadcast()
}

// await returns when the last scrapes say that something is so.
func (r *recorder) await(ctx context.Context, queries map[string]string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for deadline := time.Now().Add(timeout); ; r.scraped.Wait() {
		missing, err := r.missing(ctx, queries)
		switch {
		case err != nil || r.err != nil:
			return errors.Join(err, r.err)
		case len(missing) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("after %s these have not happened: %v", timeout, missing)
		}
	}
}

func (r *recorder) missing(ctx context.Context, queries map[string]string) ([]string, error) {
	var missing []string
	for claim, query := range queries {
		vector, err := r.recording.At(ctx, query)
		if err != nil {
			return nil, err
		}
		if len(vector) == 0 {
			missing = append(missing, claim)
		}
	}
	return missing, nil
}

// further returns after some more scrapes.
func (r *recorder) further(scrapes int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for until := r.scrapes + scrapes; r.scrapes < until; {
		r.scraped.Wait()
	}
}

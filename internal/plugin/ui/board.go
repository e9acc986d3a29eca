package ui

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const (
	// again is after how long the cluster is read once more where it cannot be watched.
	again = 10 * time.Second
	// stale is how old rows may get: days pass without anything being changed.
	stale = 30 * time.Second
)

// board is what the pages show, kept up to date.
type board struct {
	clock clock.WithTicker

	mutex     sync.Mutex
	inventory *cluster.Inventory
	problem   error // of the last try to read the cluster
	version   int   // changes with what is shown
	rows      []overview.Row
	made      time.Time // when the rows were, zero if they are to be made anew
}

// shown is what a page shows.
type shown struct {
	rows    []overview.Row
	unread  []cluster.Unread
	problem error
	version string
}

// read reads the whole cluster.
func (b *board) read(ctx context.Context, access client.Reader, namespace string) (*cluster.Inventory, error) {
	inventory, err := cluster.List(ctx, access, namespace)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.problem = err; err == nil {
		b.inventory = inventory
	}
	b.changed()
	return inventory, err
}

// changed has rows made anew. The mutex is held.
func (b *board) changed() {
	b.version++
	b.made = time.Time{}
}

// now is what there is to be shown.
func (b *board) now() shown {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if now := b.clock.Now(); now.Sub(b.made) >= stale {
		if !b.made.IsZero() {
			b.version++
		}
		b.rows, b.made = overview.Of(b.inventory.Objects(), now), now
	}
	return shown{b.rows, b.inventory.Missing(b.rows), b.problem, strconv.Itoa(b.version)}
}

// follow keeps the board up to date until the context ends.
func (b *board) follow(ctx context.Context, access client.WithWatch, namespace string) {
	b.mutex.Lock()
	inventory := b.inventory
	b.mutex.Unlock()
	for ctx.Err() == nil {
		began := b.clock.Now()
		err := b.apply(ctx, inventory, access)
		// A watch that ends at once would have everything listed without a rest.
		if (err != nil || b.clock.Since(began) < again) && !cluster.Pause(ctx, b.clock, again) {
			return
		}
		for {
			read, err := b.read(ctx, access, namespace)
			if err == nil {
				inventory = read
				break
			}
			if !cluster.Pause(ctx, b.clock, again) {
				return
			}
		}
	}
}

// apply takes changes over until one of the watches ends. It is an error if there can be none.
func (b *board) apply(ctx context.Context, inventory *cluster.Inventory, access client.WithWatch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := inventory.Follow(ctx, access)
	if err != nil {
		return fmt.Errorf("follow the cluster: %w", err)
	}
	for change := range changes {
		b.mutex.Lock()
		if inventory.Apply(change) {
			b.changed()
		}
		b.mutex.Unlock()
	}
	return nil
}

package commands

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const (
	// redraw is how often rows are made anew although nothing has happened: days pass, and dates.
	redraw = time.Minute
	// again is how soon everything is listed once more at the earliest.
	again = 5 * time.Second
)

// watchStatus shows all rows, and then each one that has changed, until somebody ends it.
func (p *program) watchStatus(ctx context.Context, options statusOptions) error {
	shown := map[string]string{}
	headers, warned := !options.noHeaders, false
	for ctx.Err() == nil {
		inventory, access, err := p.list(ctx, options.all)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		if !warned {
			warned = true
			p.warnOfUnread(inventory, overview.Of(inventory.Objects(), p.Clock.Now()))
		}
		if err := p.printChanged(inventory, options, shown, headers); err != nil {
			return err
		}
		headers = false
		began := p.Clock.Now()
		if err := p.followChanges(ctx, inventory, access, options, shown); err != nil {
			return unlessEnded(ctx, err)
		}
		if p.Clock.Since(began) < again { // a watch that ends at once would have everything listed without a rest
			cluster.Pause(ctx, p.Clock, again)
		}
	}
	return nil
}

// unlessEnded is an error, but none where somebody has ended the watch.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// followChanges shows rows that change until one of the watches ends.
func (p *program) followChanges(
	ctx context.Context, inventory *cluster.Inventory, access client.WithWatch, options statusOptions,
	shown map[string]string,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := inventory.Follow(ctx, access)
	if err != nil {
		return err
	}
	ticker := p.Clock.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case change, open := <-changes:
			if !open {
				return nil
			}
			if !inventory.Apply(change) {
				continue
			}
		case <-ticker.C():
		}
		if err := p.printChanged(inventory, options, shown, false); err != nil {
			return err
		}
	}
}

// printChanged prints the rows that are not as they were shown.
func (p *program) printChanged(
	inventory *cluster.Inventory, options statusOptions, shown map[string]string, headers bool,
) error {
	var changed []overview.Row
	rows := overview.Of(inventory.Objects(), p.Clock.Now())
	for i := range rows {
		key := rows[i].Kind + "/" + rows[i].Namespace + "/" + rows[i].Name
		if text := cells(&rows[i], options); shown[key] != text {
			shown[key] = text
			changed = append(changed, rows[i])
		}
	}
	if len(changed) == 0 && !headers {
		return nil
	}
	return p.printRows(changed, options, !headers)
}

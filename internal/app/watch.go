package app

import (
	"context"
	"errors"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	toolscache "k8s.io/client-go/tools/cache"
)

// countWatchErrors counts what keeps the caches from following the cluster. A cache that has stopped doing so, for want
// of a permission for instance, looks like a cluster in which nothing happens: no reconcile, no error, no renewal.
func countWatchErrors(series interface{ WatchFailed(kind string) }) toolscache.WatchErrorHandlerWithContext {
	return func(ctx context.Context, reflector *toolscache.Reflector, err error) {
		toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
		if !watchEnds(err) {
			description := reflector.TypeDescription()
			series.WatchFailed(description[strings.LastIndex(description, ".")+1:])
		}
	}
}

// watchEnds reports whether an error is how watches end that are begun again at once.
func watchEnds(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

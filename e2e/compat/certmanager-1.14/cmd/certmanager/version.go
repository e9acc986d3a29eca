package main

import (
	"context"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/metrics"
	"k8s.io/utils/clock"
)

// start runs a controller until the context ends.
func start(ctx context.Context, instance controller.Interface) error {
	return instance.Run(workers, ctx.Done())
}

// complete adds the options that this version has.
func complete(options controller.ContextOptions) controller.ContextOptions {
	options.Clock = clock.RealClock{}
	options.Metrics = metrics.New(logs.Log, options.Clock)
	return options
}

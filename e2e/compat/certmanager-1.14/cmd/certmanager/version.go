package main

import (
	"context"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/metrics"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/clock"
)

// start runs a controller until the context ends.
func start(ctx context.Context, instance controller.Interface) error {
	return instance.Run(workers, ctx.Done())
}

// complete adds the options that this version has, and switches on what is on by default since 1.15.
func complete(options controller.ContextOptions) controller.ContextOptions {
	utilruntime.Must(feature.DefaultMutableFeatureGate.Set("AdditionalCertificateOutputFormats=true"))
	options.Clock = clock.RealClock{}
	options.Metrics = metrics.New(logs.Log, options.Clock)
	return options
}

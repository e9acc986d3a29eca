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

// ofVersion adds the options that other versions do not have, or have another way.
func ofVersion(options controller.ContextOptions) controller.ContextOptions {
	options.Clock = clock.RealClock{}
	options.Metrics = metrics.New(logs.Log, options.Clock)
	options.CertificateOptions = controller.CertificateOptions{
		CopiedAnnotationPrefixes: []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
	}
	return options
}

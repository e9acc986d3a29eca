package main

import (
	"context"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
)

// start runs a controller until the context ends.
func start(ctx context.Context, instance controller.Interface) error {
	return instance.Run(workers, ctx)
}

// complete adds the options that this version has.
func complete(options controller.ContextOptions) controller.ContextOptions {
	options.CertificateRequestMinimumBackoffDuration = time.Hour
	options.CertificateRequestMaximumBackoffDuration = 32 * time.Hour
	return options
}

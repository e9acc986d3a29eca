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

// ofVersion adds the options that other versions do not have, or have another way.
func ofVersion(options controller.ContextOptions) controller.ContextOptions {
	options.CertificateOptions = controller.CertificateOptions{
		CopiedAnnotationPrefixes:                 []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
		CertificateRequestMinimumBackoffDuration: time.Hour,
		CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
	}
	return options
}

package main

import (
	"context"

	"github.com/cert-manager/cert-manager/pkg/controller"
)

// start runs a controller until the context ends.
func start(ctx context.Context, instance controller.Interface) error {
	return instance.Run(workers, ctx.Done())
}

// certificateOptions are those of contextOptions for Certificates.
func certificateOptions() controller.CertificateOptions {
	return controller.CertificateOptions{
		CopiedAnnotationPrefixes: []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
	}
}

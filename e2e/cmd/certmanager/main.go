// Certmanager runs cert-manager's own controllers for Certificates, and its approver for
// CertificateRequests, in one process against any API server. The released controller cannot be built
// from cert-manager's module; its controllers can, and they are what an issuer has to get along with.
//
// It takes the command line that cert-manager's chart gives the released controller, so that the chart can
// be installed with it.
//
// version.go holds what other versions of cert-manager have another way; e2e/compat builds the rest with those.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"
)

// names of the controllers to run. Each registers itself when its package is imported.
var names = []string{
	approver.ControllerName,
	issuing.ControllerName,
	keymanager.ControllerName,
	readiness.ControllerName,
	requestmanager.ControllerName,
	revisionmanager.ControllerName,
	trigger.ControllerName,
}

// workers per controller, as in cert-manager's own default.
const workers = 5

type options struct {
	kubeconfig        string
	resourceNamespace string
	metricsAddress    string
	readyFile         string
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the API server; default: that of the Pod")
	flag.StringVar(&o.resourceNamespace, "cluster-resource-namespace", "cert-manager",
		"namespace for what cluster issuers refer to")
	for _, name := range []string{"leader-election-namespace", "acme-http01-solver-image", "max-concurrent-challenges"} {
		flag.String(name, "", "not used: this is the only replica, and knows no ACME")
	}
	flag.StringVar(&o.metricsAddress, "metrics-address", "",
		"address for /metrics, for instance 127.0.0.1:0; none is served when it is empty")
	flag.StringVar(&o.readyFile, "ready-file", "", "file to create when all caches have been filled")
	klog.InitFlags(nil)
	_ = flag.Set("v", "2") // The chart's default.
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(logs.NewContext(ctx, logs.Log), o)
	stop()
	klog.Flush()
	if err != nil {
		fmt.Fprintln(os.Stderr, "certmanager:", err)
		os.Exit(1)
	}
}

// run runs the controllers until the context ends.
func run(ctx context.Context, o options) error {
	factory, err := controller.NewContextFactory(ctx, contextOptions(o))
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		instance, err := controller.Known()[name](factory)
		if err != nil {
			return fmt.Errorf("building the controller %s: %w", name, err)
		}
		group.Go(func() error {
			// A cache that has not been filled is an error to Run, also when this process was told to end.
			if err := start(ctx, instance); err != nil && ctx.Err() == nil {
				return fmt.Errorf("running the controller %s: %w", name, err)
			}
			return nil
		})
	}
	shared, err := factory.Build()
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	if err := serveMetrics(ctx, shared, o.metricsAddress); err != nil {
		return err
	}
	group.Go(func() error { return fillCaches(ctx, shared, o.readyFile) })
	return group.Wait()
}

// contextOptions are what the released controller runs with when no flag is given. They are written
// out, here and in complete, because the defaults lie in an internal package of cert-manager.
func contextOptions(o options) controller.ContextOptions {
	return complete(controller.ContextOptions{
		Kubeconfig:         o.kubeconfig,
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: o.resourceNamespace},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes: []string{
				"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/",
			},
		},
	})
}

// fillCaches starts the informers that the controllers have asked for, and tells when they are filled.
func fillCaches(ctx context.Context, shared *controller.Context, readyFile string) error {
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.SharedInformerFactory.WaitForCacheSync(ctx.Done())
	shared.KubeSharedInformerFactory.WaitForCacheSync(ctx.Done())
	select {
	case <-ctx.Done(): // The wait may have ended because of that.
		return nil
	default:
	}
	if readyFile == "" {
		return nil
	}
	if err := os.WriteFile(readyFile, nil, 0o600); err != nil {
		return fmt.Errorf("telling that the caches are filled: %w", err)
	}
	return nil
}

// serveMetrics serves cert-manager's metrics in the background until the context ends.
func serveMetrics(ctx context.Context, shared *controller.Context, address string) error {
	if address == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for metrics: %w", err)
	}
	server := shared.Metrics.NewServer(listener)
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	klog.InfoS("serving metrics", "address", listener.Addr().String())
	return nil
}

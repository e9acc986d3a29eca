package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/varmenne/varmenne-issuer/e2e/clusterpki"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// pollInterval is how often a starting process is asked whether it is ready.
const pollInterval = 20 * time.Millisecond

// etcd listens on Unix sockets in the cluster's directory, so it takes no port and only the owner of the
// directory reaches it. It insists on addresses with a port: the socket's file, relative to the working
// directory, is called just like that.
const (
	etcdAddress     = "etcd:2379"
	etcdPeerAddress = "etcd:2380"
	// socketPathLimit is what every operating system accepts as the path of a Unix socket, in bytes.
	socketPathLimit = 103
)

// startControlPlane starts etcd and the API server.
func (c *Cluster) startControlPlane(ctx context.Context) error {
	if err := c.StartEtcd(ctx); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// StartEtcd starts etcd on the cluster's data and returns when it is ready: as a part of Start, or after
// it was stopped or killed.
func (c *Cluster) StartEtcd(ctx context.Context) error {
	c.step("Starting etcd.")
	p, err := c.StartProcess(process.Options{
		Name: Etcd,
		Path: c.binaries.Etcd(),
		Dir:  c.dir,
		Args: []string{
			"--name=" + Etcd,
			"--data-dir=" + c.path("etcd"),
			"--listen-client-urls=unix://" + etcdAddress,
			"--advertise-client-urls=unix://" + etcdAddress,
			"--listen-peer-urls=unix://" + etcdPeerAddress,
			"--initial-advertise-peer-urls=unix://" + etcdPeerAddress,
			"--initial-cluster=" + Etcd + "=unix://" + etcdPeerAddress,
			// The data need to survive a killed process, not a power cut.
			"--unsafe-no-fsync",
			"--log-level=warn",
		},
	})
	if err != nil {
		return err
	}
	return await(ctx, p, c.etcdReady)
}

// StopEtcd stops etcd and leaves its data. The API server goes on and answers with errors.
func (c *Cluster) StopEtcd() error { return c.stop(Etcd) }

// StartAPIServer starts kube-apiserver on the cluster's port and returns when it is ready: as a part of
// Start, or after it was stopped or killed.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	c.step("Starting kube-apiserver.")
	p, err := c.StartProcess(process.Options{
		Name: APIServer,
		Path: c.binaries.APIServer(),
		Dir:  c.dir, // Of etcd's socket.
		Args: c.apiServerArguments(),
		// It answers what it was asked before it ends.
		Grace: time.Minute,
	})
	if err != nil {
		return err
	}
	return await(ctx, p, c.Answers)
}

// StopAPIServer stops the API server. Its port stays with the cluster and refuses connections.
func (c *Cluster) StopAPIServer() error { return c.stop(APIServer) }

// stop stops the process of the name, if there is one.
func (c *Cluster) stop(name string) error {
	if p := c.Process(name); p != nil {
		return p.Stop()
	}
	return nil
}

// apiServerArguments configure an API server with RBAC that listens on loopback only.
func (c *Cluster) apiServerArguments() []string {
	arguments := []string{
		"--etcd-servers=unix://" + etcdAddress,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.address.port),
		"--permit-port-sharing", // With the socket that reserves the port.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC",
		"--client-ca-file=" + c.path("pki", clusterpki.AuthorityFile),
		"--tls-cert-file=" + c.path("pki", clusterpki.ServingCertFile),
		"--tls-private-key-file=" + c.path("pki", clusterpki.ServingKeyFile),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.path("pki", clusterpki.ServiceAccountKeyFile),
		"--service-account-signing-key-file=" + c.path("pki", clusterpki.ServiceAccountKeyFile),
		// These wait for kube-controller-manager, which does not run: the first one for ten seconds
		// when the API server stops while it starts.
		"--disable-admission-plugins=ResourceQuota,ServiceAccount",
		"--profiling=false",
	}
	if !c.hasPolicies() {
		arguments = append(arguments, "--feature-gates=ValidatingAdmissionPolicy=true",
			"--runtime-config=admissionregistration.k8s.io/v1beta1=true")
	}
	if c.audit != "" {
		arguments = append(arguments,
			"--audit-policy-file="+c.audit,
			"--audit-log-path="+c.AuditLog(),
			"--audit-log-mode=blocking-strict", // A request that was answered is in the log.
		)
	}
	return arguments
}

// etcdReady asks etcd whether it serves.
func (c *Cluster) etcdReady(ctx context.Context) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", c.path(etcdAddress))
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://etcd/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}

// Answers asks the API server whether it serves and has created its own objects, RBAC's among them.
func (c *Cluster) Answers(ctx context.Context) error {
	clientset, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	return clientset.RESTClient().Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error()
}

// await waits until the process is ready.
func await(ctx context.Context, p *process.Process, ready func(context.Context) error) error {
	return p.Await(ctx, readyTimeout, pollInterval, ready)
}

// exists is a readiness check: the process creates the file when it is ready.
func exists(path string) func(context.Context) error {
	return func(context.Context) error {
		_, err := os.Stat(path)
		return err
	}
}

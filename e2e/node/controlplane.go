//go:build linux

package node

import (
	"context"

	"github.com/varmenne/varmenne-issuer/e2e/clusterpki"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// startControlPlane starts etcd, the API server, the controller manager and the scheduler.
func (n *Node) startControlPlane(ctx context.Context) error {
	if _, err := n.site.run(n.site.Programs.Etcd(), nil,
		"--data-dir="+n.site.path("etcd"),
		"--unsafe-no-fsync", // The data need not survive anything.
		"--log-level=warn",
	); err != nil {
		return err
	}
	server, err := n.startAPIServer()
	if err != nil {
		return err
	}
	if err := await(ctx, server, n.apiServerReady); err != nil {
		return err
	}
	if _, err := n.site.run(n.site.kubernetes("kube-controller-manager"), nil,
		"--kubeconfig="+n.site.path("pki", "controller-manager.kubeconfig"),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+n.site.path("pki", clusterpki.ServiceAccountKeyFile),
		"--root-ca-file="+n.site.path("pki", clusterpki.AuthorityFile),
		"--cluster-signing-cert-file="+n.site.path("pki", clusterpki.AuthorityFile),
		"--cluster-signing-key-file="+n.site.path("pki", "ca.key"),
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--cert-dir="+n.site.path("controller-manager"),
	); err != nil {
		return err
	}
	_, err = n.site.run(n.site.kubernetes("kube-scheduler"), nil,
		"--kubeconfig="+n.site.path("pki", "scheduler.kubeconfig"),
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--cert-dir="+n.site.path("scheduler"),
	)
	return err
}

// startAPIServer starts the API server as it is in a real cluster: RBAC, nodes that may touch their own Pods
// only, admission, an audit log.
func (n *Node) startAPIServer() (*process.Process, error) {
	policy, err := n.site.configure("audit-policy.yaml")
	if err != nil {
		return nil, err
	}
	return n.site.run(n.site.Programs.APIServer(), nil,
		"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0",
		"--secure-port=443",
		"--advertise-address="+nodeIP,
		"--service-cluster-ip-range="+serviceIPs,
		"--tls-cert-file="+n.site.path("pki", clusterpki.ServingCertFile),
		"--tls-private-key-file="+n.site.path("pki", clusterpki.ServingKeyFile),
		"--client-ca-file="+n.site.path("pki", clusterpki.AuthorityFile),
		"--token-auth-file="+n.site.path("pki", "tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+n.site.path("pki", clusterpki.ServiceAccountKeyFile),
		"--service-account-signing-key-file="+n.site.path("pki", clusterpki.ServiceAccountKeyFile),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--kubelet-client-certificate="+n.site.path("pki", "kubelet-client.crt"),
		"--kubelet-client-key="+n.site.path("pki", "kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--audit-policy-file="+policy,
		"--audit-log-path="+n.AuditLog(),
		"--audit-log-mode=blocking-strict", // A request that was answered is in the log.
		"--profiling=false",
	)
}

// apiServerReady asks the API server whether it serves and has created its own objects, RBAC's among them.
func (n *Node) apiServerReady(ctx context.Context) error {
	return n.client.Discovery().RESTClient().Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error()
}

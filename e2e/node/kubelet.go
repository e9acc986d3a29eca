//go:build linux

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// startKubelet starts kubelet.
func (n *Node) startKubelet(context.Context) (err error) {
	if err := os.WriteFile(n.site.path("resolv.conf"), nil, 0o600); err != nil { // There is nobody to ask.
		return err
	}
	config, err := n.site.configure("kubelet.yaml")
	if err != nil {
		return err
	}
	n.kubelet, err = n.site.run(n.site.kubernetes("kubelet"), n.site.libraries(),
		"--config="+config,
		"--kubeconfig="+n.site.path("pki", "kubelet.kubeconfig"),
		"--root-dir="+n.site.path("kubelet"),
		"--cert-dir="+n.site.path("kubelet-pki"),
		"--hostname-override="+name,
		"--node-ip="+nodeIP,
	)
	return err
}

// startNetworking starts kube-proxy, so that the addresses of Services work, and CoreDNS, so that their names do.
func (n *Node) startNetworking(ctx context.Context) error {
	probe := exec.CommandContext(ctx, n.site.debian("usr/sbin/nft"), "list", "tables")
	probe.Env = append(os.Environ(), n.site.libraries()...)
	if _, err := process.Output(probe); err != nil {
		return fmt.Errorf("a node needs nf_tables in the kernel: %w", err)
	}
	if _, err := n.site.run(n.site.kubernetes("kube-proxy"), n.site.libraries(),
		"--kubeconfig="+n.site.path("pki", "proxy.kubeconfig"),
		"--proxy-mode=nftables",
		"--hostname-override="+name,
		"--cluster-cidr="+podNetwork,
		"--healthz-bind-address=127.0.0.1:10256",
		"--conntrack-max-per-core=0",
	); err != nil {
		return err
	}
	corefile, err := n.site.configure("Corefile")
	if err != nil {
		return err
	}
	_, err = n.site.run(n.site.Programs.CoreDNS, nil, "-conf="+corefile)
	return err
}

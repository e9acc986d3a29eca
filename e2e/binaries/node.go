package binaries

import (
	"context"
	"path/filepath"
)

// NodeSet is where the programs of a whole node are.
type NodeSet struct {
	Set `json:"set"`
	// Kubernetes is a directory that holds kubelet, kube-scheduler, kube-controller-manager and kube-proxy.
	Kubernetes string `json:"kubernetes"`
	// CoreDNS is the path of coredns.
	CoreDNS string `json:"coreDNS"`
	// Debian is a directory with containerd, runc, the CNI plugins and nft, laid out as in a Debian system.
	Debian string `json:"debian"`
}

// EnsureNode is Ensure for a node: it also builds what runs on one, minutes more, and unpacks what comes
// from Debian.
func EnsureNode(ctx context.Context, options Options) (NodeSet, error) {
	groups, options, err := plan(ctx, options)
	if err != nil {
		return NodeSet{}, err
	}
	// The packages go first: if they are not to be had, that shows at once.
	debian, err := nodePackages().ensure(ctx, options)
	if err != nil {
		return NodeSet{}, err
	}
	all := []group{groups.controlPlane, groups.certManager, groups.node, groups.coreDNS}
	if err := buildMissing(ctx, options, all); err != nil {
		return NodeSet{}, err
	}
	return NodeSet{
		Set:        groups.set(options),
		Kubernetes: groups.node.directory(options.Directory),
		CoreDNS:    filepath.Join(groups.coreDNS.directory(options.Directory), "coredns"),
		Debian:     debian,
	}, nil
}

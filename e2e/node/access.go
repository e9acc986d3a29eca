//go:build linux

package node

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/varmenne/varmenne-issuer/e2e/clusterpki"
)

// accounts are who has a static token: the file name of the kubeconfig, the user and the group.
func accounts() [][3]string {
	return [][3]string{
		{"admin", "admin", "system:masters"},
		{"controller-manager", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
		{"kubelet", "system:node:" + name, "system:nodes"},
		{"proxy", "system:kube-proxy", ""},
		// CoreDNS runs beside the Pods and not in one, so it has no ServiceAccount.
		{"dns", "coredns", "system:masters"},
	}
}

// connect issues all certificates and tokens, and builds the administrator's client.
func (n *Node) connect() error {
	authority, err := n.site.issueCertificates()
	if err != nil {
		return fmt.Errorf("issuing certificates: %w", err)
	}
	if err := n.site.issueTokens(authority); err != nil {
		return fmt.Errorf("issuing tokens: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		return err
	}
	config.QPS = -1
	n.client, err = kubernetes.NewForConfig(config)
	return err
}

// issueCertificates writes what the API server, kubelet and the controller manager read.
func (s site) issueCertificates() (*clusterpki.Authority, error) {
	authority, err := clusterpki.Write(s.path("pki"), []string{"kubernetes.default.svc." + clusterDomain},
		net.ParseIP(nodeIP), net.ParseIP(apiServerIP))
	if err != nil {
		return nil, err
	}
	kubeletClient, err := authority.IssueAdmin("kube-apiserver")
	if err != nil {
		return nil, err
	}
	for file, content := range map[string][]byte{
		"ca.key":             authority.KeyPair().Key,
		"kubelet-client.crt": kubeletClient.Certificate, "kubelet-client.key": kubeletClient.Key,
	} {
		if err := os.WriteFile(s.path("pki", file), content, 0o600); err != nil {
			return nil, err
		}
	}
	return authority, nil
}

// issueTokens writes the API server's file of static tokens, and a kubeconfig for each of them.
func (s site) issueTokens(authority *clusterpki.Authority) error {
	var file strings.Builder
	for _, account := range accounts() {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		token := hex.EncodeToString(random)
		fmt.Fprintf(&file, "%s,%s,%s,%q\n", token, account[1], account[1], account[2])
		kubeconfig := s.path("pki", account[0]+".kubeconfig")
		if err := authority.WriteKubeconfig(kubeconfig, name, "https://"+nodeIP, &api.AuthInfo{Token: token}); err != nil {
			return err
		}
	}
	return os.WriteFile(s.path("pki", "tokens.csv"), []byte(file.String()), 0o600)
}

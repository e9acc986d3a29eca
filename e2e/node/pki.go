//go:build linux

package node

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// lifetime of certificates: longer than any node runs.
const lifetime = 48 * time.Hour

// authority is the certificate authority of the node's cluster.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

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
	if err := n.issueCertificates(); err != nil {
		return fmt.Errorf("issuing certificates: %w", err)
	}
	if err := n.issueTokens(); err != nil {
		return fmt.Errorf("issuing tokens: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		return err
	}
	config.QPS = -1
	n.admin = config
	n.client, err = kubernetes.NewForConfig(config)
	return err
}

// issueCertificates writes what the API server, kubelet and the controller manager read.
func (n *Node) issueCertificates() (err error) {
	if n.authority, err = n.newAuthority(); err != nil {
		return err
	}
	for file, template := range map[string]*x509.Certificate{
		"apiserver": {
			Subject:     pkix.Name{CommonName: "kube-apiserver"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			DNSNames:    []string{"localhost", "kubernetes.default.svc", "kubernetes.default.svc." + clusterDomain},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(nodeIP), net.ParseIP(apiServerIP)},
		},
		"kubelet-client": {
			Subject:     pkix.Name{CommonName: "kube-apiserver", Organization: []string{"system:masters"}},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		},
	} {
		key, err := n.site.newKey(file)
		if err != nil {
			return err
		}
		if _, err := n.site.sign(file, template, n.authority.certificate, key.Public(), n.authority.key); err != nil {
			return err
		}
	}
	_, err = n.site.newKey("service-account")
	return err
}

func (n *Node) newAuthority() (*authority, error) {
	key, err := n.site.newKey("ca")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "varmenne-node"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := n.site.sign("ca", template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate: certificate, key: key}, err
}

// newKey creates a key and writes it.
func (s site) newKey(file string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, s.writePEM(file+".key", "EC PRIVATE KEY", der)
}

// sign completes a certificate with a serial number and dates, signs it and writes it.
func (s site) sign(file string, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer,
) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(lifetime)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return der, s.writePEM(file+".crt", "CERTIFICATE", der)
}

func (s site) writePEM(file, kind string, der []byte) error {
	return os.WriteFile(s.path("pki", file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// issueTokens writes the API server's file of static tokens, and a kubeconfig for each of them.
func (n *Node) issueTokens() error {
	var file strings.Builder
	for _, account := range accounts() {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		token := hex.EncodeToString(random)
		fmt.Fprintf(&file, "%s,%s,%s,%q\n", token, account[1], account[1], account[2])
		if err := n.writeKubeconfig(account[0], token); err != nil {
			return err
		}
	}
	return os.WriteFile(n.site.path("pki", "tokens.csv"), []byte(file.String()), 0o600)
}

func (n *Node) writeKubeconfig(account, token string) error {
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{
		Server: "https://" + nodeIP, CertificateAuthority: n.site.path("pki", "ca.crt"),
	}
	config.AuthInfos[name] = &api.AuthInfo{Token: token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, n.site.path("pki", account+".kubeconfig"))
}

package cluster

import (
	"context"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/clusterpki"
)

// contextName is the name of everything in the kubeconfigs that are written.
const contextName = "varmenne-e2e"

// KubeconfigPath returns the path of the administrator's kubeconfig.
func (c *Cluster) KubeconfigPath() string { return c.path("kubeconfigs", "admin.kubeconfig") }

// RESTConfig returns the administrator's access, without client-side rate limiting.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.admin) }

// Client returns a client with the administrator's access, as NewClient makes it.
func (c *Cluster) Client() client.Client { return c.client }

// connectAdmin issues the administrator's certificate, writes the kubeconfig and builds the clients. The
// API server need not run yet.
func (c *Cluster) connectAdmin() error {
	pair, err := c.authority.IssueAdmin("admin")
	if err != nil {
		return err
	}
	c.admin = &rest.Config{
		Host: fmt.Sprintf("https://127.0.0.1:%d", c.address.port),
		QPS:  -1,
		TLSClientConfig: rest.TLSClientConfig{
			CAData: c.authority.KeyPair().Certificate, CertData: pair.Certificate, KeyData: pair.Key,
		},
	}
	user := &api.AuthInfo{ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	if err := c.writeKubeconfig(c.KubeconfigPath(), user); err != nil {
		return err
	}
	// The client asks the API server for its kinds when it first needs one, not now.
	c.client, err = NewClient(c.RESTConfig())
	return err
}

// NewClient returns an uncached client without client-side rate limiting. It knows the types of Kubernetes,
// cert-manager and CustomResourceDefinitions, and what more adds; every other kind can be used as unstructured object.
func NewClient(access *rest.Config, more ...func(*runtime.Scheme) error) (client.Client, error) {
	types := runtime.NewScheme()
	for _, add := range append(more, scheme.AddToScheme, apiextensionsv1.AddToScheme, cmapi.AddToScheme) {
		if err := add(types); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	access.QPS = -1
	return client.New(access, client.Options{Scheme: types})
}

// ClientAs returns a client like Client that acts for another user.
func (c *Cluster) ClientAs(user string) (client.Client, error) {
	access := c.RESTConfig()
	access.Impersonate.UserName = user
	return client.New(access, client.Options{Scheme: c.client.Scheme(), Mapper: c.client.RESTMapper()})
}

// ServiceAccountKubeconfig writes a kubeconfig that acts as an existing ServiceAccount, with a token that
// outlives the cluster, and returns its path.
func (c *Cluster) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(clusterpki.Lifetime.Seconds()))},
	}
	if err := c.client.SubResource("token").Create(ctx, account, request); err != nil {
		return "", fmt.Errorf("requesting a token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	path := c.path("kubeconfigs", namespace+"-"+name+".kubeconfig")
	return path, c.writeKubeconfig(path, &api.AuthInfo{Token: request.Status.Token})
}

// writeKubeconfig writes how the user reaches the API server.
func (c *Cluster) writeKubeconfig(path string, user *api.AuthInfo) error {
	return c.authority.WriteKubeconfig(path, contextName, c.admin.Host, user)
}

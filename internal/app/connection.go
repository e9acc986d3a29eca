package app

import (
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// restConfig says how to reach the API server: as a kubeconfig says, or without one as inCluster does, which is
// rest.InClusterConfig but for tests.
func restConfig(kubeconfig string, inCluster func() (*rest.Config, error)) (*rest.Config, error) {
	find := inCluster
	if kubeconfig != "" {
		find = func() (*rest.Config, error) { return clientcmd.BuildConfigFromFlags("", kubeconfig) }
	}
	connection, err := find()
	if err != nil {
		return nil, fmt.Errorf("find the API server (--kubeconfig, or run in a Pod): %w", err)
	}
	if kubeconfig == "" {
		connection.Proxy = noProxy
	}
	// The API server's own priority and fairness sees to overload; a second limit here would only add waiting.
	connection.QPS = -1
	return connection, nil
}

// noProxy keeps a Pod's calls to its own cluster away from every proxy. HTTPS_PROXY is there for the certificate
// service, and may come from a webhook or a template of the organization without a NO_PROXY that knows the API server.
// A kubeconfig's proxy-url is another matter: it is about nothing but the API server.
func noProxy(*http.Request) (*url.URL, error) {
	return nil, nil //nolint:nilnil // what http.Transport.Proxy returns where no proxy is to be used
}

package app

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/lru"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
)

// connector makes clients of the certificate service. Every call, of a check and of an order alike, is made by one of
// them, and so within the rule for the issuer as it is at that moment.
type connector struct {
	options *Options
	allowed endpoints.List
	// kept are the clients of orders, by the UID of their issuer.
	kept *lru.Cache[types.UID, keptClient]
}

// mostClients bounds how many are kept.
const mostClients = 64

func newConnector(options *Options, allowed endpoints.List) connector {
	return connector{options: options, allowed: allowed, kept: lru.New[types.UID, keptClient](mostClients)}
}

// keptClient is a client, and what it was made from: of anything else another one is made.
type keptClient struct {
	*veroclient.Client

	kind       string
	generation int64
	bundles    string
}

func (c connector) client(issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) (*veroclient.Client, error) {
	return veroclient.New(veroclient.Options{
		URL: issuer.VeroSpec().Endpoint(), TLS: bundles.TLS, Responses: bundles.Responses,
		Endpoints: c.rule(issuer.IssuerKind()), Timeout: c.options.CallTimeout, UserAgent: name + "/" + c.options.Version,
	})
}

// rule is what holds for issuers of a kind. A VeroClusterIssuer is an administrator's.
func (c connector) rule(kind string) endpoints.Rule {
	return endpoints.Rule{
		Allowed: c.allowed, Bound: kind != v1alpha1.KindVeroClusterIssuer || c.options.AllowedEndpointsCluster,
	}
}

func (c connector) connect(issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) (veroorder.Service, error) {
	earlier, known := c.kept.Get(issuer.GetUID())
	wanted := keptClient{kind: issuer.IssuerKind(), generation: issuer.GetGeneration(), bundles: bundles.Digest()}
	if known {
		wanted.Client = earlier.Client
		if wanted == earlier {
			return earlier.Client, nil
		}
	}
	made, err := c.client(issuer, bundles)
	if err != nil {
		return nil, err
	}
	if wanted.Client = made; bundles.Small() {
		c.kept.Add(issuer.GetUID(), wanted)
	}
	return made, nil
}

func (c connector) probe(ctx context.Context, issuer v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) error {
	service, err := c.client(issuer, bundles)
	if err != nil {
		return err
	}
	return service.Probe(ctx)
}

package app

import (
	"crypto/x509"
	"errors"
	"net"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// deaf is an address of this machine that is not listened at, and is refused at once.
func deaf(t *testing.T) string {
	t.Helper()
	listener := must.Get((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	defer listener.Close()
	return listener.Addr().String()
}

func TestTheListBindsVeroIssuersAndClusterIssuersWhereAskedTo(t *testing.T) {
	listed, loopback := deaf(t), deaf(t)
	const unlisted = "unlisted.invalid:443"
	for claim, c := range map[string]struct {
		kind, endpoint string
		cluster        bool
		refusal        error
	}{
		"a VeroIssuer on the list":            {v1alpha1.KindVeroIssuer, listed, false, nil},
		"a VeroIssuer that is not":            {v1alpha1.KindVeroIssuer, unlisted, false, endpoints.ErrNotListed},
		"a VeroClusterIssuer that is not":     {v1alpha1.KindVeroClusterIssuer, unlisted, false, nil},
		"one on loopback":                     {v1alpha1.KindVeroClusterIssuer, loopback, false, endpoints.ErrNeverCalled},
		"one where the list binds it":         {v1alpha1.KindVeroClusterIssuer, unlisted, true, endpoints.ErrNotListed},
		"one on the list, where it binds all": {v1alpha1.KindVeroClusterIssuer, listed, true, nil},
		"a VeroIssuer that is not, likewise":  {v1alpha1.KindVeroIssuer, unlisted, true, endpoints.ErrNotListed},
	} {
		t.Run(claim, func(t *testing.T) {
			allowed := must.Get(endpoints.Parse([]string{listed}))(t)
			connector := newConnector(&Options{AllowedEndpointsCluster: c.cluster}, allowed)
			issuer := v1alpha1.NewVeroIssuer(c.kind)
			issuer.VeroSpec().URL = "https://" + c.endpoint
			service := must.Get(connector.connect(issuer, &secrets.Bundles{}))(t)
			_, called := service.Get(t.Context(), &protocol.Get{Party: protocol.Party{
				Environment: protocol.Test, CustomerID: "0123456-7",
			}, RetrievalID: "x"})
			for _, err := range []error{connector.probe(t.Context(), issuer, &secrets.Bundles{}), called} {
				var unreachable *protocol.UnreachableError
				if errors.As(err, &unreachable) != (c.refusal == nil) || c.refusal != nil && !errors.Is(err, c.refusal) {
					t.Errorf("the error is %v, want %v", err, c.refusal)
				}
			}
		})
	}
}

// TestAClientIsKeptForAnIssuerAsItIs: one that was edited, made anew, or trusts others gets another one.
func TestAClientIsKeptForAnIssuerAsItIs(t *testing.T) {
	connector := newConnector(&Options{}, endpoints.List{})
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{UID: "one", Generation: 1}}
	issuer.Spec.URL = "https://api.example"
	root := pkitest.Root(t, "root").Certificate
	first := must.Get(connector.connect(issuer, &secrets.Bundles{}))(t)
	if must.Get(connector.connect(issuer, &secrets.Bundles{}))(t) != first {
		t.Error("it is not kept")
	}
	for claim, change := range map[string]func(*v1alpha1.VeroIssuer, *secrets.Bundles){
		"was edited":    func(issuer *v1alpha1.VeroIssuer, _ *secrets.Bundles) { issuer.Generation++ },
		"was made anew": func(issuer *v1alpha1.VeroIssuer, _ *secrets.Bundles) { issuer.UID = "other" },
		"trusts others": func(_ *v1alpha1.VeroIssuer, bundles *secrets.Bundles) {
			bundles.TLS = []*x509.Certificate{root}
		},
	} {
		changed, bundles := issuer.DeepCopy(), &secrets.Bundles{}
		change(changed, bundles)
		if must.Get(connector.connect(changed, bundles))(t) == first {
			t.Errorf("an issuer that %s has the client of before", claim)
		}
		first = must.Get(connector.connect(issuer, &secrets.Bundles{}))(t)
	}
}

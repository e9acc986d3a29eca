package secrets_test

import (
	"testing"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// TestWhyCertManagerAsksAnew follows cert-manager's own comparison: what is left out stands for its own issuers.
func TestWhyCertManagerAsksAnew(t *testing.T) {
	namespace := server.Namespace(t)
	annotated := func(name, kind, group string) map[string]string {
		return map[string]string{"cert-manager.io/issuer-name": name, "cert-manager.io/issuer-kind": kind,
			"cert-manager.io/issuer-group": group}
	}
	const says, names = "says that its certificate is of ", ", and the Certificate names VeroIssuer vero (varmenne.dev)"
	for claim, c := range map[string]struct {
		annotations map[string]string
		want        string
	}{
		"the same issuer": {annotated("vero", "VeroIssuer", "varmenne.dev"), ""},
		"no annotations":  {nil, "does not say which issuer its certificate is of"},
		"the issuer was renamed": {annotated("old", "VeroIssuer", "varmenne.dev"),
			says + "VeroIssuer old (varmenne.dev)" + names},
		"another kind": {annotated("vero", "VeroClusterIssuer", "varmenne.dev"),
			says + "VeroClusterIssuer vero (varmenne.dev)" + names},
		"one of cert-manager":    {annotated("ca", "", ""), says + "Issuer ca (cert-manager.io)" + names},
		"an annotation was lost": {annotated("vero", "VeroIssuer", ""), says + "VeroIssuer vero (cert-manager.io)" + names},
		"the name alone was lost": {annotated("", "VeroIssuer", "varmenne.dev"),
			says + "VeroIssuer without a name (varmenne.dev)" + names},
	} {
		t.Run(claim, func(t *testing.T) {
			object := secret(namespace, "", map[string]string{"tls.key": string(pkitest.KeyPEM(t, "leaf")),
				"tls.crt": string(pkitest.PEM(pkitest.Root(t, "root").Issue(t, pkitest.Key("leaf"), "0123456-7")))})
			object.GenerateName, object.Annotations = "tls-", c.annotations
			server.Create(t, object)
			identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, named(object)))(t)
			reference := cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"}
			if got := identity.Issuer.Differs(reference); got != c.want {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

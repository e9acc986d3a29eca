package chart_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestNotesSpeakOfTheUsersOwnNames(t *testing.T) {
	c := shared.Get(t)
	for claim, example := range map[string]struct {
		release chart.Release
		want    []string
		not     []string
	}{
		"the release and its namespace": {
			release: chart.Release{Name: "vero", Namespace: "pki"},
			want: []string{
				"in namespace pki, as release vero", "helm test vero -n pki", "all namespaces",
				"kubectl -n YOUR-NAMESPACE create secret generic vero-transfer", "every Secret of the cluster",
				"kubectl -n YOUR-NAMESPACE get manualorders,trackedcertificates",
			},
			not: []string{"SIMULATOR", "cert-manager is not there", "crds.keep"},
		},
		"the first namespace that is watched": {
			release: chart.Release{Name: "vero", Namespace: "pki", Values: settings(t)["namespaces"]},
			want: []string{
				"works in tax-reporting, payroll.", "kubectl -n tax-reporting create secret",
				"secretNamespaces: without pki, no VeroClusterIssuer",
			},
			not: []string{"YOUR-NAMESPACE", "every Secret of the cluster"},
		},
		"the sample of the simulator": {
			release: chart.Release{Name: "vero", Namespace: releaseNamespace, Values: settings(t)["rehearsal"]},
			want: []string{
				"NOT FOR PRODUCTION", "kubectl -n varmenne-issuer wait --for=condition=Ready certificate/rehearsal",
				"kubectl -n varmenne-issuer get secret rehearsal-tls",
				"kubectl -n varmenne-issuer get manualorders,trackedcertificates",
				`kubectl -n varmenne-issuer annotate messagespassword/rehearsal varmenne.dev/rotate="$(date)"`,
			},
			not: []string{"helm test", "transferPassword"},
		},
		"values that are a risk": {
			release: chart.Release{Name: "vero", Namespace: "pki", Values: fromYAML(t, `
{replicaCount: 1, terminationGracePeriodSeconds: 10, crds: {keep: false}, rbac: {create: false},
 certManager: {approve: false}, networkPolicy: {enabled: true}, proxy: {secretName: proxy},
 manual: {enabled: false}, allowedEndpoints: {hosts: ["*"]},
 metrics: {secure: true, serviceMonitor: {enabled: true, authorization: {credentials: {name: a, key: b}}}}}
`)},
			want: []string{
				"replicaCount=1", "a Pod may need 90 s", "crds.keep=false", "what you let ServiceAccount vero-varmenne-issuer do",
				"certManager.approve=false", "metrics.readers is empty", "metrics.serviceMonitor.tlsConfig is empty",
				"443, 6443 can be reached", "networkPolicy.service.ports is empty",
				`allowedEndpoints.hosts has "*"`,
			},
			not: []string{"manualorders"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			example.release.Args = []string{"--dry-run=server", takeOwnership}
			ensureNamespace(t, c, example.release.Namespace)
			said := must.Get(helmOn(t, c).Install(t.Context(), example.release))(t)
			_, notes, _ := strings.Cut(said, "NOTES:")
			for _, want := range example.want {
				if !strings.Contains(notes, want) {
					t.Errorf("they do not say %q:\n%s", want, notes)
				}
			}
			if i := slices.IndexFunc(example.not, func(text string) bool { return strings.Contains(notes, text) }); i >= 0 {
				t.Errorf("they say %q:\n%s", example.not[i], notes)
			}
		})
	}
}

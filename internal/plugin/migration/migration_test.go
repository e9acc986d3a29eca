package migration

import (
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

var server *apitest.Server

func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }

// An old controller writes whole statuses: beside it a RetrievalId would be lost again, and a certificate paid twice.
func TestAControllerThatRunsIsRefusedWhateverItsName(t *testing.T) {
	const ours = "varmenne-issuer-0.1.0"
	for claim, c := range map[string]struct {
		name     string // app.kubernetes.io/name
		chart    string
		replicas int32
		pods     int
		refused  bool
	}{
		"the chart's":                             {"varmenne-issuer", ours, 2, 0, true},
		"one with nameOverride":                   {"certificates", ours, 2, 0, true},
		"one whose Pod still records its outcome": {"certificates", ours, 0, 1, true},
		"one that is gone":                        {"certificates", ours, 0, 0, false},
		"somebody else's":                         {"other", "other-1.0.0", 2, 2, false},
	} {
		t.Run(claim, func(t *testing.T) {
			namespace := server.Namespace(t)
			labels := map[string]string{
				"app.kubernetes.io/name": c.name, "app.kubernetes.io/component": "controller", "helm.sh/chart": c.chart,
			}
			template := corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "controller", Image: "x"}}},
			}
			deployment := &appsv1.Deployment{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "controller", Labels: labels},
				Spec: appsv1.DeploymentSpec{
					Replicas: &c.replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template,
				},
			}
			must.Do(t, server.Client.Create(t.Context(), deployment))
			for range c.pods {
				must.Do(t, server.Client.Create(t.Context(), &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "controller-", Labels: labels},
					Spec:       template.Spec,
				}))
			}
			err := refuseControllers(t.Context(), must.Get(cluster.Connect(server.Config))(t))
			must.Do(t, server.Client.Delete(t.Context(), deployment)) // Those of all namespaces are looked at.
			if refused := err != nil; refused != c.refused ||
				refused && !strings.Contains(err.Error(), "Deployment "+namespace+"/controller run") {
				t.Errorf("got %v, want a refusal: %t", err, c.refused)
			}
		})
	}
}

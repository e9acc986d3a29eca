package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestNamesForKubectl(t *testing.T) {
	clients := must.Get(kubernetes.NewForConfig(server.Config))(t)
	found := must.Get(clients.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String()))(t)
	names := map[string]string{}
	for _, resource := range found.APIResources {
		if strings.Contains(resource.Name, "/") {
			continue
		}
		names[resource.Name] = fmt.Sprintf("%s %s %v namespaced:%t",
			resource.Kind, strings.Join(resource.ShortNames, ","), resource.Categories, resource.Namespaced)
	}
	want := map[string]string{
		"veroissuers":          "VeroIssuer vi [cert-manager varmenne] namespaced:true",
		"veroclusterissuers":   "VeroClusterIssuer vci [cert-manager varmenne] namespaced:false",
		"veroorders":           "VeroOrder vo [cert-manager varmenne] namespaced:true",
		"manualissuers":        "ManualIssuer mi [cert-manager varmenne] namespaced:true",
		"manualclusterissuers": "ManualClusterIssuer mci [cert-manager varmenne] namespaced:false",
		"manualorders":         "ManualOrder mo [cert-manager varmenne] namespaced:true",
		"messagespasswords":    "MessagesPassword mp [cert-manager varmenne] namespaced:true",
		"trackedcertificates":  "TrackedCertificate tc [cert-manager varmenne] namespaced:true",
	}
	if difference := cmp.Diff(want, names); difference != "" {
		t.Errorf("the names differ (-want +got):\n%s", difference)
	}
}

// row is what `kubectl get -o wide` shows of an object, by column.
func row(t *testing.T, resource string, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	path := "/apis/varmenne.dev/v1alpha1/"
	if namespace := object.GetNamespace(); namespace != "" {
		path += "namespaces/" + namespace + "/"
	}
	clients := must.Get(kubernetes.NewForConfig(server.Config))(t)
	data := must.Get(clients.Discovery().RESTClient().Get().AbsPath(path, resource, object.GetName()).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw())(t)
	table := &metav1.Table{}
	if err := json.Unmarshal(data, table); err != nil || len(table.Rows) != 1 {
		t.Fatalf("the table has %d rows: %v", len(table.Rows), err)
	}
	cells := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		name := column.Name
		if column.Priority > 0 {
			name += " (wide)"
		}
		cells[name] = table.Rows[0].Cells[i]
	}
	delete(cells, "Name")
	delete(cells, "Age")
	return cells
}

func readyCondition(value, reason, message string) []any {
	return []any{map[string]any{"type": "Ready", "status": value, "reason": reason, "message": message,
		"lastTransitionTime": "2026-06-01T12:00:00Z"}}
}

func withStatus(t *testing.T, object *unstructured.Unstructured, fields map[string]any) *unstructured.Unstructured {
	t.Helper()
	must.Do(t, server.Client.Create(t.Context(), object))
	for path, value := range fields {
		set(t, object, path, value)
	}
	must.Do(t, server.Client.Status().Update(t.Context(), object))
	return object
}

func TestColumns(t *testing.T) {
	namespace := server.Namespace(t)
	for _, kind := range issuerKinds {
		t.Run(kind, func(t *testing.T) {
			object := withStatus(t, issuerManifest(t, kind, namespace), map[string]any{
				"status.conditions": readyCondition("False", "EndpointUnreachable", "no connection"),
			})
			want := map[string]any{
				"Ready": "False", "Environment": "TEST", "Customer": "0123456-7", "Reason": "EndpointUnreachable",
				"Message (wide)": "no connection",
			}
			if difference := cmp.Diff(want, row(t, strings.ToLower(kind)+"s", object)); difference != "" {
				t.Errorf("the columns differ (-want +got):\n%s", difference)
			}
		})
	}
	t.Run("VeroOrder", func(t *testing.T) {
		object := withStatus(t, orderManifest(t, namespace), map[string]any{
			"status.state": "Submitted", "status.retrievalID": "42", "status.nextPollTime": "2026-06-01T12:00:10.000000Z",
			"status.conditions": readyCondition("False", "AwaitingCertificate", "accepted"),
		})
		want := map[string]any{
			"State": "Submitted", "Operation": "SignNewCertificate", "Retrieval-ID": "42",
			"Reason": "AwaitingCertificate", "Next-Poll": "2026-06-01T12:00:10.000000Z", "Certificate": "tax",
			"Issuer (wide)": "vero", "Message (wide)": "accepted",
		}
		if difference := cmp.Diff(want, row(t, "veroorders", object)); difference != "" {
			t.Errorf("the columns differ (-want +got):\n%s", difference)
		}
	})
}

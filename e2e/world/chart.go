package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
)

// loopback is where the simulators are. The controller has to be told, or it does not call there.
const loopback = "127.0.0.1:*"

// render writes what an installation of the chart applies, its namespaces first, into a file, and keeps the command
// lines that the controllers have in it.
func (w *World) render(ctx context.Context) (string, error) {
	helm, err := chart.Find()
	if err != nil {
		return "", err
	}
	values := map[string]any{"allowedEndpoints": map[string]any{"hosts": []string{"*", loopback}}}
	maps.Copy(values, w.options.Values)
	manifests, err := helm.Template(ctx, chart.Release{
		Name: name, Namespace: name, Values: values, Args: []string{"--kube-version=" + w.Cluster.Version()},
	})
	if err != nil {
		return "", err
	}
	if w.chartArguments, err = commandLines(manifests); err != nil {
		return "", err
	}
	var namespaces bytes.Buffer
	watched, _ := w.options.Values["watchNamespaces"].([]string)
	messages, _ := w.options.Values["messages"].(map[string]any)
	rotated, _ := messages["namespaces"].([]string)
	for _, namespace := range slices.Concat([]string{name}, watched, rotated) {
		fmt.Fprintf(&namespaces, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n---\n", namespace)
	}
	file := filepath.Join(w.Cluster.Dir(), "chart.yaml")
	return file, os.WriteFile(file, append(namespaces.Bytes(), manifests...), 0o600)
}

// commandLines are those of the Deployments, by their names.
func commandLines(manifests []byte) (map[string][]string, error) {
	lines := map[string][]string{}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), len(manifests)+1)
	for {
		deployment := &appsv1.Deployment{}
		if err := decoder.Decode(deployment); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			// Objects of other kinds need not fit into one.
			deployment.Kind = ""
		}
		if deployment.Kind == "Deployment" {
			lines[deployment.Name] = deployment.Spec.Template.Spec.Containers[0].Args
		}
	}
	if lines[name] == nil {
		return nil, errors.New("the chart renders no Deployment of the controller")
	}
	return lines, nil
}

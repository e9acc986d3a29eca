package cluster

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// fieldOwner owns the fields that Apply sets.
const fieldOwner = client.FieldOwner("varmenne-e2e")

// servedTimeout bounds the wait for the API server to serve the kinds of a CustomResourceDefinition.
const servedTimeout = 30 * time.Second

// Apply applies manifests to the cluster, as `kubectl apply --server-side --force-conflicts` does. A path
// is a YAML file or a directory, of which every *.yaml file is taken. Namespaces and
// CustomResourceDefinitions go first, whatever the order, and are waited for.
func (c *Cluster) Apply(ctx context.Context, paths ...string) error {
	var objects []*unstructured.Unstructured
	for _, path := range paths {
		files, err := manifests(path)
		if err != nil {
			return fmt.Errorf("applying manifests: %w", err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("applying manifests: %w", err)
			}
			decoded, err := Decode(content)
			if err != nil {
				return fmt.Errorf("reading %s: %w", file, err)
			}
			objects = append(objects, decoded...)
		}
	}
	return c.applyObjects(ctx, objects)
}

// ApplyYAML is Apply for manifests in memory.
func (c *Cluster) ApplyYAML(ctx context.Context, content []byte) error {
	objects, err := Decode(content)
	if err != nil {
		return err
	}
	return c.applyObjects(ctx, objects)
}

// manifests lists the files that a path stands for.
func manifests(path string) ([]string, error) {
	information, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !information.IsDir() {
		return []string{path}, nil
	}
	files, err := filepath.Glob(filepath.Join(path, "*.yaml"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no *.yaml in %s", path)
	}
	return files, err
}

// Decode reads the objects of a YAML stream. Empty documents are passed over. A key that is there twice is an error.
func Decode(content []byte) ([]*unstructured.Unstructured, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		object := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.UnmarshalStrict(document, &object.Object)
		}
		if err != nil {
			return nil, fmt.Errorf("decoding document %d: %w", len(objects)+1, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// applyObjects applies what others depend on, waits for it, and applies the rest.
func (c *Cluster) applyObjects(ctx context.Context, objects []*unstructured.Unstructured) error {
	foundations, rest := partition(objects)
	for _, object := range foundations {
		if err := c.applyObject(ctx, object); err != nil {
			return err
		}
	}
	for _, object := range foundations {
		if object.GetKind() == "CustomResourceDefinition" {
			if err := c.awaitEstablished(ctx, object.GetName()); err != nil {
				return err
			}
		}
	}
	for _, object := range rest {
		if err := c.applyObject(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// partition separates what other objects need to exist from the others; the order stays.
func partition(objects []*unstructured.Unstructured) (foundations, rest []*unstructured.Unstructured) {
	for _, object := range objects {
		if slices.Contains([]string{"Namespace", "CustomResourceDefinition"}, object.GetKind()) {
			foundations = append(foundations, object)
		} else {
			rest = append(rest, object)
		}
	}
	return foundations, rest
}

// applyObject applies one object. A kind whose definition was established this moment may be missing from
// the API server's list for another one, so that is asked for again.
func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) error {
	c.fit(object)
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, servedTimeout, true, func(ctx context.Context) (bool, error) {
		last = c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership)
		if meta.IsNoMatchError(last) {
			return false, nil
		}
		return true, last
	})
	if err != nil {
		return fmt.Errorf("applying %s %s: %w",
			object.GetKind(), client.ObjectKeyFromObject(object), cmp.Or(last, err))
	}
	return nil
}

// awaitEstablished waits until the API server serves the kind that the definition defines.
func (c *Cluster) awaitEstablished(ctx context.Context, name string) error {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	err := wait.PollUntilContextTimeout(ctx, pollInterval, servedTimeout, true, func(ctx context.Context) (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKey{Name: name}, definition); err != nil {
			return false, err
		}
		return apihelpers.IsCRDConditionTrue(definition, apiextensionsv1.Established), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for CustomResourceDefinition %s to be established: %w; its conditions: %v",
			name, err, definition.Status.Conditions)
	}
	return nil
}

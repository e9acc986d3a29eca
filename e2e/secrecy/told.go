package secrecy

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// Told is all that a world has told so far, by where: all logs, what the API server's audit log has of what was written
// to it, all objects but Secrets, the command lines of its processes, and the metrics of its replicas that run.
func Told(ctx context.Context, w *world.World) (map[string][]byte, error) {
	told, err := objects(ctx, w)
	if err != nil {
		return nil, err
	}
	for name, replica := range w.Replicas() {
		// One that has ended tells nothing.
		if text, err := replica.Metrics(ctx); err == nil {
			told["the metrics of "+name] = []byte(text)
		}
	}
	for _, process := range w.Cluster.Processes() {
		told["the command line of "+process.Name()] = []byte(strings.Join(process.Options().Args, " "))
	}
	// What keeps secrets for a living: the API server's store, and the keys of the cluster itself.
	private := []string{"etcd", "pki", "kubeconfigs"}
	return told, filepath.WalkDir(w.Cluster.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(private, entry.Name()) {
			return filepath.SkipDir
		}
		information, err := entry.Info()
		if err != nil || !information.Mode().IsRegular() || information.Mode()&0o100 != 0 {
			return err // Sockets, and programs.
		}
		told[path], err = os.ReadFile(path) //nolint:gosec // it is the test's own directory
		return err
	})
}

// objects is every object of the API server but Secrets.
func objects(ctx context.Context, w *world.World) (map[string][]byte, error) {
	asker, err := discovery.NewDiscoveryClientForConfig(w.Cluster.RESTConfig())
	if err != nil {
		return nil, err
	}
	groups, err := asker.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	told := map[string][]byte{}
	for _, group := range groups {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range group.APIResources {
			if !slices.Contains(resource.Verbs, "list") || resource.Kind == "Secret" {
				continue
			}
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(version.WithKind(resource.Kind + "List"))
			if err := w.Client.List(ctx, list); err != nil {
				return nil, fmt.Errorf("listing %s: %w", resource.Name, err)
			}
			if told[resource.Name+"."+version.Group], err = list.MarshalJSON(); err != nil {
				return nil, err
			}
		}
	}
	return told, nil
}

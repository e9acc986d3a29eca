package docs

import (
	"context"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// restorePage is what the tests of this file run.
const restorePage = "docs/operations/backup-and-restore.md"

// inBackup are the kinds of a namespace in the order in which Velero restores them: Secrets and ConfigMaps first,
// everything that it does not know by the names of the resources.
var inBackup = []schema.GroupVersionKind{
	corev1.SchemeGroupVersion.WithKind("Secret"),
	corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	cmapi.SchemeGroupVersion.WithKind("CertificateRequest"),
	cmapi.SchemeGroupVersion.WithKind("Certificate"),
	v1alpha1.GroupVersion.WithKind("VeroIssuer"),
	v1alpha1.GroupVersion.WithKind("VeroOrder"),
}

// backup is what Velero has kept of a namespace.
type backup []unstructured.Unstructured

func (s *scenario) backup(ctx context.Context) backup {
	s.Helper()
	var kept backup //nolint:prealloc // nobody knows how much there is
	for _, kind := range inBackup {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		testkit.NoError(s, s.Client.List(ctx, list, client.InNamespace(s.Namespace)))
		kept = append(kept, list.Items...)
	}
	return kept
}

// lose removes everything that a backup has kept, as the loss of a namespace or of a cluster does.
func (s *scenario) lose(kept backup) {
	s.Helper()
	if len(kept) == 0 {
		s.Fatal("the backup is empty")
	}
	s.Eventually("an empty namespace", func(ctx context.Context) (bool, error) {
		for _, kind := range slices.Backward(inBackup) {
			object := &unstructured.Unstructured{}
			object.SetGroupVersionKind(kind)
			if err := s.Client.DeleteAllOf(ctx, object, client.InNamespace(s.Namespace)); err != nil {
				return false, err
			}
		}
		return len(s.backup(ctx)) == 0, nil
	})
}

// restoration is how a restore is configured.
type restoration struct {
	// without are kinds that are not restored, status those whose status is.
	without, status []string
	// lastFirst restores the objects in the opposite order.
	lastFirst bool
}

// restore does to every object what Velero does (pkg/restore/restore.go): the metadata that belongs to the old object
// goes, owner references and the status with it; where the status is to be restored, that is a second write.
func (s *scenario) restore(kept backup, how restoration) {
	s.Helper()
	if how.lastFirst {
		kept = slices.Clone(kept)
		slices.Reverse(kept)
	}
	for _, object := range kept {
		if slices.Contains(how.without, object.GetKind()) {
			continue
		}
		status := object.Object["status"]
		restored := object.DeepCopy()
		for _, field := range []string{
			"generateName", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
			"deletionGracePeriodSeconds", "ownerReferences", "managedFields",
		} {
			unstructured.RemoveNestedField(restored.Object, "metadata", field)
		}
		unstructured.RemoveNestedField(restored.Object, "status")
		restored.SetLabels(withLabel(restored.GetLabels(), "velero.io/restore-name", "after-the-loss"))
		s.Create(restored)
		annotated := restored.GetAnnotations()["velero.io/restore-status"] == "true"
		if status == nil || (!annotated && !slices.Contains(how.status, object.GetKind())) {
			continue
		}
		restored.Object["status"] = status
		if err := s.Client.Status().Update(s.Context(), restored); err != nil {
			s.Fatalf("restoring the status of %s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	return labels
}

// asThePageSays is how docs/operations/backup-and-restore.md restores.
func asThePageSays() restoration {
	return restoration{without: []string{"CertificateRequest"}, status: []string{"VeroOrder"}}
}

// backwards is the same with the Secrets last.
func (r restoration) backwards() restoration {
	r.lastFirst = true
	return r
}

// TestThePageShowsTheRestoreThatIsRun ties the command of the page to what the tests here do.
func TestThePageShowsTheRestoreThatIsRun(t *testing.T) {
	page := read(t, restorePage)
	for _, option := range []string{
		"--exclude-resources certificaterequests.cert-manager.io", "--status-include-resources veroorders.varmenne.dev",
	} {
		if !strings.Contains(page, option) {
			t.Errorf("%s does not restore with %s", restorePage, option)
		}
	}
}

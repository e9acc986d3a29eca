package docs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
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
		must.Do(s, s.Client.List(ctx, list, client.InNamespace(s.Namespace)))
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

// loss is a namespace that is lost and restored.
type loss struct {
	// service is arguments for its certificate service, how the way in which it is restored.
	service []string
	how     restoration
	// before brings it to where it is lost; last, if there is one, goes the last step to what lasts for seconds only.
	before, last func(*scenario)
	// after is what has to hold once it is restored.
	after func(*scenario)
}

func losses() map[string]loss {
	return map[string]loss{
		"a Certificate is Ready, and orders nothing":                certificateLost(asThePageSays()),
		"a Certificate that comes before its Secret orders nothing": certificateLost(asThePageSays().backwards()),
		"what was under way is brought back as the page says":       lostUnderWay(),
		"a CertificateRequest orders nothing that nobody waits for": requestLost(),
	}
}

// TestARestoreSpendsNothing loses and restores the namespaces while the controller and cert-manager are stopped, as the
// page says. It is alone with the world until both work again: those that call Parallel wait for it.
func TestARestoreSpendsNothing(t *testing.T) {
	losses, scenarios := losses(), map[string]*scenario{}
	for claim, loss := range losses {
		scenarios[claim] = beginScenario(t, "lost", loss.service...)
	}
	t.Run("before the loss", func(t *testing.T) {
		for claim, loss := range losses {
			t.Run(claim, func(t *testing.T) {
				t.Parallel()
				loss.before(scenarios[claim].on(t))
			})
		}
	})
	for claim, loss := range losses {
		if loss.last != nil {
			loss.last(scenarios[claim])
		}
	}
	if t.Failed() {
		return
	}
	w := theWorld(t)
	must.Do(t, errors.Join(w.StopController(), w.Cluster.StopCertManager()))
	for claim, loss := range losses {
		kept := scenarios[claim].backup(t.Context())
		scenarios[claim].lose(kept)
		scenarios[claim].restore(kept, loss.how)
	}
	must.Do(t, errors.Join(w.StartController(t.Context()), w.Cluster.StartCertManager(t.Context())))
	t.Parallel()
	for claim, loss := range losses {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := scenarios[claim].on(t)
			loss.after(s)
			if sent := s.submissions(); len(sent) != 1 {
				t.Errorf("the service was sent %+v, want what was sent before the loss", sent)
			}
		})
	}
}

// on is the scenario in a test within its own.
func (s *scenario) on(t *testing.T) *scenario {
	t.Helper()
	return &scenario{s.On(t)}
}

// provide lets the scenario's Certificate become Ready. Then somebody puts unspent credentials there, for another one.
func (s *scenario) provide() {
	s.Helper()
	s.Create(s.Certificate())
	s.AwaitReady(certificateName)
	s.ReplaceCredentials(s.Mint())
}

func (s *scenario) certificateHeld() []byte {
	s.Helper()
	return tenant.Get(s.Tenant, tlsSecretName, &corev1.Secret{}).Data[corev1.TLSCertKey]
}

func certificateLost(how restoration) loss {
	var held []byte
	return loss{service: []string{"--processing-delay=1s"}, how: how, before: func(s *scenario) {
		s.provide()
		held = s.certificateHeld()
	}, after: func(s *scenario) {
		s.AwaitReady(certificateName)
		s.AwaitIssuer()
		if !bytes.Equal(s.certificateHeld(), held) {
			s.Error("the Secret holds another certificate than before")
		}
		if orders := s.Orders(); len(orders) != 1 || orders[0].Status.State != v1alpha1.VeroOrderIssued {
			s.Errorf("the orders are %+v, want the one that was restored, Issued", orders)
		}
		if requests := s.Requests(); len(requests) > 0 {
			s.Errorf("there are requests: %+v", requests)
		}
	}}
}

// lostUnderWay runs the commands of the page.
func lostUnderWay() loss {
	return loss{service: []string{"--processing-delay=20s"}, how: asThePageSays(), before: (*scenario).AwaitIssuer,
		last: func(s *scenario) {
			s.Create(s.Certificate())
			s.AwaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool { return order.Status.RetrievalID != "" })
		},
		after: func(s *scenario) {
			s.AwaitOrder("issued", func(order *v1alpha1.VeroOrder) bool {
				return order.Status.State == v1alpha1.VeroOrderIssued
			})
			s.awaitSaying("", cmapi.CertificateRequestConditionReady, "", "were spent")
			s.follow(restorePage, "What you see afterwards")
			s.AwaitReady(certificateName)
		}}
}

// requestLost: whoever restores everything as it comes brings back a CertificateRequest that has lost its owner, its
// approval and its outcome. With unspent credentials there it must not order what nobody waits for.
func requestLost() loss {
	return loss{service: []string{"--processing-delay=1s"}, before: (*scenario).provide, after: func(s *scenario) {
		s.AwaitReady(certificateName)
		s.awaitSaying("", cmapi.CertificateRequestConditionReady, "", "which does not control it any more")
		for _, order := range s.Orders() {
			if order.Status.State != v1alpha1.VeroOrderIssued || order.Status.RetrievalID == "" {
				s.Errorf("order %s has lost its status: %+v", order.Name, order.Status)
			}
		}
	}}
}

package stories

import (
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// slowResponse is how long the service keeps a caller waiting: longer than helm takes to have deleted everything.
const slowResponse = 15 * time.Second

// Each disruption happens while an order is in flight: the service has no certificate until it is over. Afterwards the
// same order, with the same RetrievalId, has to bear the certificate, and the service must not have been paid a second
// time.
func TestNothingIsLostWhilePodsComeAndGo(t *testing.T) {
	p := onPlatform(t)
	current := currentVersion(t)
	r := p.install(t, "upgrades", previous, values{})
	for _, disruption := range r.disruptions(current) {
		t.Run(disruption.claim, func(t *testing.T) {
			service := p.orderOne(t, disruption.namespace)
			before := p.awaitInFlight(t, disruption.namespace)
			disruption.run(t)
			p.testSameOrder(t, service, before)
		})
	}
	t.Run("an uninstallation during the call that pays", func(t *testing.T) { testUninstalledDuringACall(t, r, current) })
	t.Run("uninstalled by hand and without crds.keep, everything goes", func(t *testing.T) {
		r.upgrade(t, current, values{"crds": values{"keep": false}})
		r.uninstallByHand(t)
		eventually(t, "the definitions to go", func() error {
			left, err := r.definitions(t.Context())
			if len(left) > 0 {
				return fmt.Errorf("left: %q", left)
			}
			return err
		})
	})
}

// orderOne orders a certificate in a new namespace, from a service of its own that does what the faults say, and that
// has no certificate for anybody until they are cleared.
func (p *platform) orderOne(t *testing.T, namespace string, faults ...admin.Fault) *world.Service {
	t.Helper()
	const calls = 1000 // More than there are.
	service := p.startService(t)
	for _, fault := range append(faults, admin.Fault{
		Operation: "GetCertificate", Kind: admin.ResultFail, Code: "PKI099", Count: calls,
	}) {
		must.Get(service.Script(t.Context(), fault))(t)
	}
	p.makeNamespace(t, namespace)
	p.createIssuer(t, service, namespace)
	p.createCertificates(t, service, namespace, 1)
	return service
}

// testUninstalledDuringACall: the response that the service gives while helm is at it has to be recorded, because
// nobody can ask for it again.
func testUninstalledDuringACall(t *testing.T, r *release, current string) {
	t.Helper()
	const namespace = "overtaken"
	service := r.orderOne(t, namespace, admin.Fault{
		Operation: "SignNewCertificate", Kind: admin.TimeoutAfter, Hold: admin.Duration(slowResponse),
	})
	r.awaitOrder(t, namespace, "that is being sent", func(order v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderSubmitting
	})
	r.uninstall(t)
	before := r.awaitInFlight(t, namespace)
	r.notes = r.onChart(t, "install", r.packed(current), values{})
	r.testSameOrder(t, service, before)
}

// disruption is what a user, or the cluster, does to the controller while an order is in flight.
type disruption struct {
	claim, namespace string
	run              func(*testing.T)
}

// disruptions happen in this order: the rollback leads back to the revision before the upgrade.
func (r *release) disruptions(current string) []disruption {
	upgrade := func(t *testing.T) {
		t.Helper()
		r.upgrade(t, current, values{})
	}
	rollback := func(t *testing.T) {
		t.Helper()
		r.mustHelm(t, "rollback", releaseName, "1", "--namespace="+r.namespace, "--wait", inTime)
	}
	restart := func(t *testing.T) {
		t.Helper()
		r.mustKubectl(t, "-n", r.namespace, "rollout", "restart", "deployment", issuer)
		r.mustKubectl(t, "-n", r.namespace, "rollout", "status", "deployment", issuer, inTime)
	}
	kill := func(t *testing.T) {
		t.Helper()
		r.leader(t, r.onMachine(t, "to kill one process of a Pod")).kill(t)
	}
	reinstall := func(t *testing.T) {
		t.Helper()
		r.uninstall(t)
		r.notes = r.onChart(t, "install", r.packed(current), values{})
	}
	return []disruption{
		{"an upgrade", "upgraded", upgrade},
		{"a rollback", "rolled-back", rollback},
		{"a restart of both replicas", "restarted", restart},
		{"a killed leader", "killed", kill},
		{"an uninstallation and a new installation", "reinstalled", reinstall},
	}
}

// testSameOrder: when the service goes on, the order of before is the only one and bears the certificate, which was
// paid for once.
func (p *platform) testSameOrder(t *testing.T, service *world.Service, before v1alpha1.VeroOrder) {
	t.Helper()
	must.Do(t, service.ClearFaults(t.Context()))
	p.awaitReady(t, before.Namespace, "web-1")
	if got := paid(t, service); got != 1 {
		t.Errorf("the service was paid %d times, want once", got)
	}
	orders := &v1alpha1.VeroOrderList{}
	must.Do(t, p.List(t.Context(), orders, client.InNamespace(before.Namespace)))
	if len(orders.Items) != 1 {
		t.Fatalf("there are %d orders, want the one from before", len(orders.Items))
	}
	after := orders.Items[0]
	if after.UID != before.UID || after.Status.RetrievalID != before.Status.RetrievalID ||
		after.Status.State != v1alpha1.VeroOrderIssued {
		t.Errorf("order %s with RetrievalId %s is %s, want %s with %s to be Issued", after.UID,
			after.Status.RetrievalID, after.Status.State, before.UID, before.Status.RetrievalID)
	}
}

// leader is the replica that works: it holds the lease.
func (r *release) leader(t *testing.T, on machine) program {
	t.Helper()
	leases := &coordinationv1.LeaseList{}
	must.Do(t, r.List(t.Context(), leases, client.InNamespace(r.namespace)))
	if len(leases.Items) != 1 || leases.Items[0].Spec.HolderIdentity == nil {
		t.Fatalf("leases: %v, want one that is held", leases.Items)
	}
	holder := *leases.Items[0].Spec.HolderIdentity
	for _, candidate := range r.programs(t, on) {
		if holder[:min(len(holder), len(candidate.pod.Name))] == candidate.pod.Name {
			return candidate
		}
	}
	t.Fatalf("no Pod is the holder %s of the lease", holder)
	return program{}
}

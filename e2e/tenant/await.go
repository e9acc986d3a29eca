package tenant

import (
	"context"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Eventually waits until a condition holds. When it does not, the test fails with the whole picture.
func (n *Tenant) Eventually(what string, holds wait.ConditionWithContextFunc) {
	n.Helper()
	testkit.Eventually(n.T, what, holds, n.Picture)
}

// AwaitReady waits until a Certificate of the tenant is Ready.
func (n *Tenant) AwaitReady(name string) *cmapi.Certificate {
	n.Helper()
	return testkit.AwaitReady(n.T, n.Client, n.Namespace, name, n.Picture)
}

// AwaitIssuer waits until the tenant's issuer is Ready as it is now.
func (n *Tenant) AwaitIssuer() {
	n.Helper()
	n.Eventually("the issuer to be Ready", func(ctx context.Context) (bool, error) {
		issuer := &v1alpha1.VeroIssuer{}
		err := n.Client.Get(ctx, client.ObjectKey{Namespace: n.Namespace, Name: IssuerName}, issuer)
		ready := meta.FindStatusCondition(issuer.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == issuer.Generation, err
	})
}

// AwaitOrder waits until an order of the tenant is as it should be.
func (n *Tenant) AwaitOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	n.Helper()
	list, found := &v1alpha1.VeroOrderList{}, 0
	n.awaitListed("an order that is "+what, list, func() bool {
		found = slices.IndexFunc(list.Items, func(order v1alpha1.VeroOrder) bool { return reached(&order) })
		return found >= 0
	})
	return &list.Items[found]
}

// AwaitRequest waits until a CertificateRequest of the tenant is as it should be.
func (n *Tenant) AwaitRequest(what string, reached func(*cmapi.CertificateRequest) bool) *cmapi.CertificateRequest {
	n.Helper()
	list, found := &cmapi.CertificateRequestList{}, 0
	n.awaitListed("a CertificateRequest that is "+what, list, func() bool {
		found = slices.IndexFunc(list.Items, func(request cmapi.CertificateRequest) bool { return reached(&request) })
		return found >= 0
	})
	return &list.Items[found]
}

// awaitListed fills a list from the tenant's namespace until it is as it should be.
func (n *Tenant) awaitListed(what string, list client.ObjectList, holds func() bool) {
	n.Helper()
	n.Eventually(what, func(ctx context.Context) (bool, error) {
		err := n.Client.List(ctx, list, client.InNamespace(n.Namespace))
		return err == nil && holds(), err
	})
}

// Orders lists the tenant's VeroOrders.
func (n *Tenant) Orders() []v1alpha1.VeroOrder {
	n.Helper()
	list := &v1alpha1.VeroOrderList{}
	n.list(list)
	return list.Items
}

// Requests lists the tenant's CertificateRequests.
func (n *Tenant) Requests() []cmapi.CertificateRequest {
	n.Helper()
	list := &cmapi.CertificateRequestList{}
	n.list(list)
	return list.Items
}

func (n *Tenant) list(list client.ObjectList) {
	n.Helper()
	must.Do(n, n.Client.List(n.Context(), list, client.InNamespace(n.Namespace)))
}

// Asked lists what the service was asked, of one operation or of all.
func (n *Tenant) Asked(operation string) []admin.Request {
	n.Helper()
	return must.Get(n.Service.Requests(n.Context(), operation, ""))(n)
}

// Accepted lists the SignNewCertificate that the service has accepted.
func (n *Tenant) Accepted() []admin.Request {
	n.Helper()
	return must.Get(n.Service.Accepted(n.Context()))(n)
}

package find_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// order was made with the TransferId that has a digest.
func order(namespace, name, transferID string) *v1alpha1.VeroOrder {
	return &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{v1alpha1.LabelTransferID: v1alpha1.LabelValue(transferID)},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero", UID: "1"},
			Operation: v1alpha1.VeroOperationSignNew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			Request: []byte("not looked at"), RequestUID: "2", PublicKeyDigest: strings.Repeat("0a", 32), Attempt: 1,
			Transfer: &v1alpha1.TransferAuthorization{SecretName: "vero-transfer", TransferIDDigest: transferID},
		},
	}
}

func TestOrdersWithLabel(t *testing.T) {
	namespace, elsewhere := server.Namespace(t), server.Namespace(t)
	ours, theirs := strings.Repeat("0b", 32), strings.Repeat("0c", 32)
	server.Create(t, order(namespace, "first", ours), order(namespace, "again", ours),
		order(namespace, "theirs", theirs), order(elsewhere, "elsewhere", ours))
	cached := startCache(t)
	for claim, c := range map[string]struct {
		digits string
		want   []string
	}{
		"those with the digest, in the namespace": {ours, []string{"again", "first"}},
		"none with another":                       {strings.Repeat("0d", 32), []string{}},
		"none without digits":                     {"", []string{}},
	} {
		t.Run(claim, func(t *testing.T) {
			found := must.Get(find.OrdersWithLabel(t.Context(), cached, namespace, v1alpha1.LabelTransferID, c.digits))(t)
			sameNames(t, c.want, found, func(order v1alpha1.VeroOrder) string { return order.Name })
		})
	}
	t.Run("a list that fails is no empty one", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := find.OrdersWithLabel(ctx, server.Client, namespace, v1alpha1.LabelTransferID, ours); err == nil {
			t.Error("no error")
		}
	})
}

// TestOrdersAreFoundByWhatTheyHold, also by what they have got later.
func TestOrdersAreFoundByWhatTheyHold(t *testing.T) {
	one, two := server.Namespace(t), server.Namespace(t)
	leaf := pkitest.Root(t, "issuing CA").Issue(t, pkitest.Key("ours"), "0123456-7")
	bearing := func(order *v1alpha1.VeroOrder, id string) *v1alpha1.VeroOrder {
		order.Status = v1alpha1.VeroOrderStatus{
			State: v1alpha1.VeroOrderIssued, RetrievalID: id, Certificate: pkitest.PEM(leaf),
		}
		return order
	}
	other := order(one, "other", strings.Repeat("0b", 32))
	other.Spec.IssuerRef.Name, other.Spec.PublicKeyDigest = "another", strings.Repeat("0f", 32)
	unread := order(one, "unread", strings.Repeat("0b", 32))
	unread.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderIssued, Certificate: []byte("?")}
	ended := order(one, "ended", strings.Repeat("0b", 32))
	ended.Spec.IssuerRef.Name = "another"
	ended.Status.State, ended.Status.CompletionTime = v1alpha1.VeroOrderFailed, &metav1.Time{Time: pkitest.Now}
	server.Create(t, ended, bearing(order(one, "first", strings.Repeat("0b", 32)), "r-1"), bearing(other, "r-2"), unread,
		bearing(order(two, "elsewhere", strings.Repeat("0b", 32)), "r-1"))
	cached := startCache(t)
	ctx, key, serial := t.Context(), strings.Repeat("0a", 32), facts.SerialNumber(leaf)
	for claim, c := range map[string]struct {
		find func(reader client.Reader) ([]v1alpha1.VeroOrder, error)
		want []string
	}{
		"by RetrievalId, wherever they are": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersWithRetrievalID(ctx, reader, "r-1")
		}, []string{"elsewhere", "first"}},
		"by certificate, those with the key": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersWithCertificate(ctx, reader, one, key, serial)
		}, []string{"first"}},
		"none by another certificate": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersWithCertificate(ctx, reader, one, key, "abc")
		}, []string{}},
		"by key, those that have not ended": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersWithKey(ctx, reader, one, key)
		}, []string{"first", "unread"}},
		"by label, in the namespace": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersWithLabel(ctx, reader, two, v1alpha1.LabelTransferID, strings.Repeat("0b", 32))
		}, []string{"elsewhere"}},
		"by issuer": {func(reader client.Reader) ([]v1alpha1.VeroOrder, error) {
			return find.OrdersOfIssuer(ctx, reader, namespaced(t, one))
		}, []string{"first", "unread"}},
	} {
		t.Run(claim, func(t *testing.T) {
			nameOf := func(order v1alpha1.VeroOrder) string { return order.Name }
			for _, reader := range []client.Reader{cached, oneBucket{cached}} {
				sameNames(t, c.want, must.Get(c.find(reader))(t), nameOf)
			}
		})
	}
}

// oneBucket lists all that a cache has, as if all keys were in one bucket.
type oneBucket struct{ client.Reader }

func (o oneBucket) List(ctx context.Context, list client.ObjectList, _ ...client.ListOption) error {
	return o.Reader.List(ctx, list, client.UnsafeDisableDeepCopy)
}

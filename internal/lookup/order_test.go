package lookup_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/lookup"
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
			Operation: v1alpha1.OperationSignNew, Environment: v1alpha1.EnvironmentTest, CustomerID: "0123456-7",
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
	for claim, c := range map[string]struct {
		digits string
		want   []string
	}{
		"those with the digest, in the namespace": {ours, []string{"again", "first"}},
		"none with another":                       {strings.Repeat("0d", 32), []string{}},
		"none without digits":                     {"", []string{}},
	} {
		t.Run(claim, func(t *testing.T) {
			found, err := lookup.OrdersWithLabel(
				t.Context(), server.Client, namespace, v1alpha1.LabelTransferID, c.digits)
			if err != nil {
				t.Fatal(err)
			}
			names := make([]string, 0, len(found))
			for i := range found {
				names = append(names, found[i].Name)
			}
			slices.Sort(names)
			if difference := cmp.Diff(c.want, names); difference != "" {
				t.Errorf("found others (-want +got):\n%s", difference)
			}
		})
	}
	t.Run("a list that fails is no empty one", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := lookup.OrdersWithLabel(ctx, server.Client, namespace, v1alpha1.LabelTransferID, ours); err == nil {
			t.Error("no error")
		}
	})
}

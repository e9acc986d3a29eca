package order_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

const (
	retention  = 30 * 24 * time.Hour
	transferID = "12345678901"
	secretName = "vero-transfer"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// ended is an order that ended some time ago, having drawn on the Secret.
func ended(namespace string, ago time.Duration) *v1alpha1.VeroOrder {
	return &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sign-1"},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero", UID: "issuer-1"},
			Operation: v1alpha1.VeroOperationSignNew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			Request: []byte("not looked at"), RequestUID: "request-1", Attempt: 1,
			PublicKeyDigest: strings.Repeat("a", 64),
			Transfer: &v1alpha1.TransferAuthorization{
				SecretName: secretName, TransferIDDigest: secrets.Transfer{ID: transferID}.IDDigest(),
			},
		},
		Status: v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderIssued, CompletionTime: &metav1.Time{Time: now.Add(-ago)}},
	}
}

func holding(namespace, id string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secretName},
		StringData: map[string]string{v1alpha1.KeyTransferID: id, v1alpha1.KeyTransferPassword: "password-1"},
	}
}

func TestAnOrderIsRemovedWhenNothingSpeaksForItAnyMore(t *testing.T) {
	for claim, c := range map[string]struct {
		ago       time.Duration
		holds     string // TransferId in the Secret; empty for no Secret
		forbidden bool   // to read Secrets
		stays     bool
		lookIn    time.Duration
	}{
		"it stays until the retention is over":            {ago: retention - time.Hour, stays: true, lookIn: time.Hour},
		"it goes when its Secret is gone":                 {ago: retention},
		"it goes when its Secret holds other credentials": {ago: retention, holds: "10987654321"},
		"it stays while its Secret holds the TransferId it spent": {
			ago: 2 * retention, holds: transferID, stays: true, lookIn: 24 * time.Hour,
		},
		"it stays while its Secret may not be read": {
			ago: 2 * retention, forbidden: true, stays: true, lookIn: 24 * time.Hour,
		},
	} {
		t.Run(claim, func(t *testing.T) {
			namespace := server.Namespace(t)
			order := ended(namespace, c.ago)
			ended := control(t, order, now)
			ended.reconciler.Retention = retention
			if c.holds != "" {
				server.Create(t, holding(namespace, c.holds))
			}
			if c.forbidden {
				ended.reconciler.Reader = limited(t, "*")
			}
			result := must.Get(ended.step())(t)
			err := server.Client.Get(t.Context(), client.ObjectKeyFromObject(order), order)
			if client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if stays := !apierrors.IsNotFound(err); stays != c.stays {
				t.Errorf("the order stays: %t, want %t", stays, c.stays)
			}
			if result.RequeueAfter != c.lookIn {
				t.Errorf("it is looked at again in %s, want %s", result.RequeueAfter, c.lookIn)
			}
		})
	}
}

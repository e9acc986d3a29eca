package secrets_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

func TestTransferCredentialsAreAsOldAsTheirLastChange(t *testing.T) {
	for claim, c := range map[string]struct {
		change  func(*corev1.Secret)
		younger bool
	}{
		"a new password makes them younger": {
			func(s *corev1.Secret) { s.Data["transferPassword"] = []byte("corrected") }, true},
		"a new transfer id makes them younger": {
			func(s *corev1.Secret) { s.Data["transferId"] = []byte("10987654321") }, true},
		"another key does not":             {func(s *corev1.Secret) { s.Data["note"] = []byte("from the letter") }, false},
		"a label does not":                 {func(s *corev1.Secret) { s.Labels = map[string]string{"a": "b"} }, false},
		"to write the same again does not": {func(*corev1.Secret) {}, false},
	} {
		t.Run(claim, func(t *testing.T) {
			object, old := oldSecret(t)
			c.change(object)
			must.Do(t, server.Client.Update(t.Context(), object, client.FieldOwner("another")))
			transfer := must.Get(secrets.ReadTransfer(t.Context(), server.Client, named(object)))(t)
			if younger := transfer.Written.After(old); younger != c.younger {
				t.Errorf("written at %s; those before at %s", transfer.Written, old)
			}
		})
	}
}

func TestTransferCredentialsThatNobodyIsNotedForAreAsOldAsTheirSecret(t *testing.T) {
	object, _ := oldSecret(t)
	object.ManagedFields = []metav1.ManagedFieldsEntry{{}} // as an operator of a cluster clears them
	must.Do(t, server.Client.Update(t.Context(), object))
	transfer, err := secrets.ReadTransfer(t.Context(), server.Client, named(object))
	if err != nil || !transfer.Written.Equal(object.CreationTimestamp.Time) {
		t.Errorf("written at %s, want at %s: %v", transfer.Written, object.CreationTimestamp, err)
	}
}

// oldSecret holds credentials that somebody has written some days ago, as far as the API server knows.
func oldSecret(t *testing.T) (*corev1.Secret, time.Time) {
	t.Helper()
	const age = 5 * 24 * time.Hour
	object := secret(server.Namespace(t), "vero-transfer", transferData(id, password))
	server.Create(t, object)
	old := object.CreationTimestamp.Add(-age)
	for i := range object.ManagedFields {
		object.ManagedFields[i].Time = &metav1.Time{Time: old}
	}
	object.Annotations = map[string]string{"old": "yes"} // an update that changes nothing else would change no times
	must.Do(t, server.Client.Update(t.Context(), object, client.FieldOwner("clock")))
	return object, old
}

package soak

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// mintCredentials orders transfer credentials for Certificates and puts them into Secrets.
func (s *environment) mintCredentials(names ...string) {
	s.Helper()
	minted := must.Get(s.Service.MintMany(s.Context(), admin.MintRequest{CustomerID: customer, Count: len(names)}))(s)
	for i, name := range names {
		s.Create(s.transferSecret(name, minted[i]))
	}
}

// transferSecret is the Secret with the credentials of a Certificate.
func (s *environment) transferSecret(name string, sent admin.Credential) *corev1.Secret {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.payers[sent.TransferID] = name
	s.KeepSecret(sent.TransferPassword, "the password of TransferId "+sent.TransferID)
	return world.TransferSecret(namespace, name, sent)
}

// replace puts new credentials into the Secret of a Certificate.
func (s *environment) replace(ctx context.Context, name string) error {
	sent, err := s.Service.Mint(ctx, admin.MintRequest{CustomerID: customer})
	if err != nil {
		return err
	}
	if err := s.Client.Update(ctx, s.transferSecret(name, sent)); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.replaced++
	return nil
}

// asked is what an order asks a person for.
type asked struct {
	of     types.UID
	reason string
}

// actAsUser does, until the returned function is called, what the orders ask a person to do: where a response was lost
// it provides new credentials, after some time to think, and an order that waits for the certificate of another one it
// gives up.
func (s *environment) actAsUser(thinking time.Duration) (stop func()) {
	s.Helper()
	attended := map[asked]bool{}
	return testkit.Repeat(s, time.Second, func(ctx context.Context) {
		if err := s.answerAll(ctx, attended, thinking); err != nil && ctx.Err() == nil {
			s.Errorf("doing what the orders ask for: %v", err)
		}
	})
}

func (s *environment) answerAll(ctx context.Context, attended map[asked]bool, thinking time.Duration) error {
	list := &v1alpha1.VeroOrderList{}
	if err := s.seen.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return err
	}
	var failures []error
	for i := range list.Items {
		order := &list.Items[i]
		reason, ended := testkit.ReasonOf(order.Status.Conditions), order.Status.CompletionTime
		this := asked{order.UID, reason}
		switch {
		case attended[this]:
		case reason == v1alpha1.ReasonResponseLost && order.Spec.Transfer != nil && time.Since(ended.Time) >= thinking:
			attended[this] = true
			failures = append(failures, s.replace(ctx, order.Spec.Transfer.SecretName))
		case reason == v1alpha1.ReasonWrongCertificate:
			attended[this] = true
			failures = append(failures, s.examine(ctx, order))
		}
	}
	return errors.Join(failures...)
}

// examine asks the service, as a person would, whose RetrievalId an order has that is given a wrong certificate. If it
// is that of another order, because an earlier response came once more, then the order is given up.
func (s *environment) examine(ctx context.Context, order *v1alpha1.VeroOrder) error {
	submissions, err := s.Service.Requests(ctx, string(order.Spec.Operation), "")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(submissions, func(submission admin.Request) bool { return belongs(submission, order) }) {
		return nil // It will get its own certificate in the end.
	}
	if order.Spec.Transfer != nil {
		if err := s.replace(ctx, order.Spec.Transfer.SecretName); err != nil {
			return err
		}
	}
	s.mutex.Lock()
	s.recalled = append(s.recalled, *order)
	s.mutex.Unlock()
	return client.IgnoreNotFound(s.Client.Delete(ctx, order))
}

// belongs reports whether the service has given an order the RetrievalId that it has. On a busy machine cert-manager
// asks once more for what it has just received: so there are renewals, too.
func belongs(submission admin.Request, order *v1alpha1.VeroOrder) bool {
	if submission.RetrievalID != order.Status.RetrievalID || !submission.Accepted {
		return false
	}
	if order.Spec.Renewal != nil {
		return submission.SignerSerial == order.Spec.Renewal.SerialNumber
	}
	return digestOf(submission.TransferID) == order.Spec.Transfer.TransferIDDigest
}

// digestOf is what an order remembers of a TransferId.
func digestOf(transferID string) string {
	digest := sha256.Sum256([]byte(transferID))
	return hex.EncodeToString(digest[:])
}

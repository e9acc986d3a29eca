package stories

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A life in which years fit into seconds: cert-manager asks for a renewal before the service allows it.
const (
	life        = 90 * time.Second
	renewBefore = 55 * time.Second
	window      = 40 * time.Second
)

func TestACertificateIsRenewedWithItsOwnKeyOnceTheWindowOpens(t *testing.T) {
	t.Parallel()
	s := begin(t, "--validity="+life.String(), "--renewal-window="+window.String(), "--processing-delay=1s")
	issuer, certificate, credentials := s.issuer(), s.certificate(), s.credentials(s.mint())
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: window}
	certificate.Spec.RenewBefore = &metav1.Duration{Duration: renewBefore}
	s.create(s.trust(), issuer, credentials, certificate)
	first := s.awaitReady(certificateName)
	s.remove(credentials)

	s.awaitPending(certificateName, "can be renewed from", "stays in use until then", "spec.renewBefore",
		first.chain[0].NotAfter.Add(-window).UTC().Format(time.RFC3339))
	if early := s.asked("RenewCertificate"); len(early) > 0 {
		t.Errorf("the service was asked before the window opened: %+v", early)
	}

	second := s.awaitRenewed(first)
	if bytes.Equal(second.chain[0].RawSubjectPublicKeyInfo, first.chain[0].RawSubjectPublicKeyInfo) {
		t.Error("the renewed certificate has the old key")
	}
	renewals := s.asked("RenewCertificate")
	if len(renewals) != 1 || !renewals[0].Accepted {
		t.Fatalf("the renewals are %+v, want one that was accepted", renewals)
	}
	if want := fmt.Sprintf("%x", first.chain[0].SerialNumber); renewals[0].SignerSerial != want {
		t.Errorf("the renewal was signed by certificate %s, want that of before, %s", renewals[0].SignerSerial, want)
	}
	s.spentOnce()
}

// awaitRenewed waits until the Secret holds another certificate than before, and reads it as awaitReady does.
func (s *story) awaitRenewed(before *issued) *issued {
	s.Helper()
	key := client.ObjectKey{Namespace: s.namespace, Name: s.certificate().Spec.SecretName}
	s.eventually("Secret "+key.Name+": renewed", func(ctx context.Context) (bool, error) {
		secret := &corev1.Secret{}
		if err := s.Client.Get(ctx, key, secret); err != nil {
			return false, err
		}
		chain := parse(secret.Data[corev1.TLSCertKey])
		return len(chain) > 0 && !chain[0].Equal(before.chain[0]), nil
	})
	return s.awaitReady(certificateName)
}

package stories

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestCredentialsMayComeAfterTheCertificate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Create(s.Trust(), s.Issuer(), s.Certificate())
	pending := s.awaitPending(certificateName,
		transferName, "does not exist", v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword)
	s.awaitEvent("CertificateRequest", pending.Name, corev1.EventTypeNormal, v1alpha1.ReasonWaitingForCredentials,
		transferName)
	s.spentNothing()

	created := time.Now()
	s.Create(s.Credentials(s.Mint()))
	s.awaitReady(certificateName).isFor(s, pending)
	if after := s.spentOnce().Time.Sub(created); after > time.Minute {
		t.Errorf("the credentials were used %s after they had come, want a minute at most", after)
	}
}

func TestIncompleteCredentialsAreNamedAndGoOnWhenTheyAreCompleted(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		spoil func(*corev1.Secret)
		says  []string
	}{
		"a key is missing": {
			func(secret *corev1.Secret) { delete(secret.StringData, v1alpha1.KeyTransferPassword) },
			[]string{transferName, "lacks transferPassword"},
		},
		"a value is too long": {
			func(secret *corev1.Secret) { secret.StringData[v1alpha1.KeyTransferPassword] += "-and-then-some" },
			[]string{transferName, "TransferPassword has 30 characters", "at most 16"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			sent := s.Mint()
			secret := s.Credentials(sent)
			c.spoil(secret)
			s.Create(s.Trust(), s.Issuer(), secret, s.Certificate())
			pending := s.awaitPending(certificateName, c.says...)
			s.spentNothing()

			s.ReplaceCredentials(sent)
			s.awaitReady(certificateName).isFor(s, pending)
			s.spentOnce()
		})
	}
}

func TestACertificateNamesItsOwnCredentials(t *testing.T) {
	t.Parallel()
	s := begin(t)
	own, others := s.Mint(), s.Mint()
	secret := s.Credentials(own)
	secret.Name = "own-transfer"
	certificate := s.Certificate()
	certificate.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: secret.Name}
	s.Create(s.Trust(), s.Issuer(), s.Credentials(others), secret, certificate)
	s.awaitReady(certificateName)
	if submission := s.spentOnce(); submission.TransferID != own.TransferID {
		t.Errorf("TransferId %s was spent, want that of the annotation, %s", submission.TransferID, own.TransferID)
	}
}

func TestACertificateMayNameItsCredentialsLater(t *testing.T) {
	t.Parallel()
	s := begin(t)
	issuer := s.Issuer()
	issuer.Spec.TransferSecretRef = nil
	certificate := s.Certificate()
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), certificate)
	pending := s.awaitPending(certificateName, v1alpha1.AnnotationTransferSecret, "spec.transferSecretRef")
	s.spentNothing()

	tenant.Edit(s.Tenant, certificate, nameCredentials)
	s.awaitReady(certificateName).isFor(s, pending)
	s.spentOnce()
}

func TestAMistypedPasswordWaitsForACorrectionWithoutLosingTheKey(t *testing.T) {
	t.Parallel()
	for refused, surfacesAtGet := range map[string]bool{"refused at once": false, "refused only at Get": true} {
		for repair, corrects := range map[string]bool{"the password is corrected": true, "there are new credentials": false} {
			t.Run(refused+", "+repair, func(t *testing.T) {
				t.Parallel()
				s := begin(t)
				wanted := admin.MintRequest{CustomerID: customerID, SurfaceAtGet: surfacesAtGet}
				sent := s.MintAs(wanted)
				s.Create(s.Trust(), s.Issuer(), s.Credentials(mistyped(sent)), s.Certificate())
				pending := s.awaitPending(certificateName, "Secret "+transferName, "were refused", "PKI020",
					"correct the transfer Secret, or order new transfer credentials")
				s.awaitEvent("VeroOrder", s.Orders()[0].Name, corev1.EventTypeWarning, v1alpha1.ReasonCredentialsRefused,
					"PKI020")
				s.awaitSecretRead(transferName, 2)
				if sent := s.submissions(); len(sent) != 1 {
					t.Fatalf("the wrong password was sent %d times, want once: %+v", len(sent), sent)
				}

				if !corrects {
					sent = s.Mint()
				}
				s.ReplaceCredentials(sent)
				s.awaitReady(certificateName).isFor(s, pending)
				if sent := s.submissions(); len(sent) != 2 || !sent[1].Accepted || sent[1].Detail != "" {
					t.Errorf("the service was sent %+v, want one more request, which it took", sent)
				}
			})
		}
	}
}

func TestCredentialsThatWereRefusedByMistakeAreTriedAgainWhenTheirOrderIsDeleted(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{Operation: signNew, Kind: admin.ResultFail, Code: "PKI020"})
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())
	pending := s.awaitPending(certificateName, "were refused", "delete that VeroOrder and they are tried once more")
	s.Remove(&s.Orders()[0])
	s.awaitReady(certificateName).isFor(s, pending)
	if sent, accepted := len(s.submissions()), len(s.Accepted()); sent != 2 || accepted != 1 {
		t.Errorf("%d requests were sent and %d accepted, want two and one", sent, accepted)
	}
}

func TestOfTwoCertificatesWithTheSameCredentialsOneWinsAndTheOtherIsTold(t *testing.T) {
	t.Parallel()
	s := begin(t)
	first, second := s.Certificate(), s.Certificate()
	second.Name, second.Spec.SecretName = "archive", "archive-tls"
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), first, second)

	winner, loser := first, second
	request, _ := s.awaitSubmitted("")
	if request.Annotations[cmapi.CertificateNameKey] == second.Name {
		winner, loser = second, first
	}
	order := s.Orders()[0].Name
	pending := s.awaitPending(loser.Name, "Secret "+transferName, "VeroOrder "+order, request.Name,
		v1alpha1.AnnotationTransferSecret)
	s.awaitEvent("CertificateRequest", pending.Name, corev1.EventTypeNormal, v1alpha1.ReasonWaitingForCredentials, order)
	s.awaitReady(winner.Name)
	s.spentOnce()

	own := s.Credentials(s.Mint())
	own.Name = "own-transfer"
	s.Create(own)
	tenant.Edit(s.Tenant, loser, func(loser *cmapi.Certificate) {
		loser.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: own.Name}
	})
	s.awaitReady(loser.Name).isFor(s, pending)
	if accepted := s.Accepted(); len(accepted) != 2 || len(s.submissions()) != 2 {
		t.Errorf("the service was sent %+v, want one accepted request for each Certificate", s.submissions())
	}
}

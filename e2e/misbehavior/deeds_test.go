package misbehavior

import (
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// held is how long the service holds a response back: enough to interfere, less than a call may take.
const held = admin.Duration(12 * time.Second)

// unnoticed is what comes of something that harms nobody.
var unnoticed = outcome{spent: nothing, then: byItself}

// deeds are the rows about people.
func deeds() []deed {
	return slices.Concat(requestDeeds(), orderDeeds(), credentialDeeds(), issuerDeeds(), namespaceDeeds())
}

func requestDeeds() []deed {
	const (
		requestDeleted     = "deletes the CertificateRequest"
		certificateChanged = "changes the Certificate's spec"
		certificateDeleted = "deletes the Certificate, and makes it anew"
	)
	followed := outcome{
		told:  []told{{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{"has accepted the request"}}},
		spent: nothing, then: byItself,
	}
	newKey := outcome{
		told: []told{{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
			"Secret " + transferName, "were spent", "VeroOrder", "order new ones",
		}}},
		spent: credentials, then: afterNew,
	}
	removed := func(s *story) { s.replaced(func(request *cmapi.CertificateRequest) { s.Remove(request) }) }
	changed := func(s *story) {
		s.replaced(func(*cmapi.CertificateRequest) {
			tenant.Edit(s.Tenant, s.theCertificate(), func(certificate *cmapi.Certificate) {
				certificate.Spec.Duration = &metav1.Duration{Duration: 17000 * time.Hour}
			})
		})
	}
	return []deed{
		{what: requestDeleted, during: beforeSending, outcome: followed, play: func(s *story) {
			s.refused()
			removed(s)
			s.behave()
		}},
		{what: requestDeleted, during: whileSending, outcome: followed, play: func(s *story) {
			s.sending()
			removed(s)
		}},
		{what: requestDeleted, during: inFlight, outcome: followed, play: func(s *story) {
			s.submitted()
			removed(s)
		}},
		{what: requestDeleted, during: afterIssue, outcome: unnoticed, play: func(s *story) {
			s.issued()
			s.Remove(s.awaitRequest(nil))
		}},
		{what: certificateChanged, during: beforeSending, outcome: followed, play: func(s *story) {
			s.refused()
			changed(s)
			s.behave()
		}},
		{what: certificateChanged, during: inFlight, outcome: followed, play: func(s *story) {
			s.submitted()
			changed(s)
		}},
		{what: certificateDeleted, during: beforeSending, outcome: unnoticed,
			elsewhere: "TestACertificateThatIsDeletedBeforeTheAcceptanceLeavesItsCredentialsUsable"},
		{what: certificateDeleted, during: whileSending, outcome: newKey, play: func(s *story) {
			s.sending()
			s.removeAsCollected()
			s.AwaitOrder("issued", inPhase(v1alpha1.VeroOrderIssued))
			s.Create(s.Certificate())
			spent := s.Accepted()[0].Time.UTC().Format("2006-01-02T")
			s.awaitTold(told{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
				"were spent on " + spent, "for CertificateRequest " + certificateName + "-1",
			}})
			s.heard = 0
		}},
		{what: certificateDeleted, during: inFlight, outcome: newKey,
			elsewhere: "TestACertificateThatIsDeletedAfterTheAcceptanceIsFetchedAndTheNextOneToldWhatWasSpent"},
	}
}

func orderDeeds() []deed {
	const orderDeleted = "deletes the VeroOrder"
	return []deed{
		{what: orderDeleted, during: beforeSending, outcome: unnoticed, play: func(s *story) {
			s.refused()
			s.Remove(s.AwaitOrder("waiting", inPhase(v1alpha1.VeroOrderPending)))
			s.behave()
		}},
		{what: orderDeleted, during: whileSending, outcome: unnoticed, play: func(s *story) {
			s.sending()
			s.Remove(s.AwaitOrder("being sent", inPhase(v1alpha1.VeroOrderSubmitting)))
		}},
		{what: orderDeleted, during: inFlight, play: func(s *story) { s.Remove(s.submitted()) }, outcome: outcome{
			told: []told{{reason: v1alpha1.ReasonCredentialsRefused, says: []string{
				"PKI020", "correct the transfer Secret, or order new transfer credentials",
			}}},
			spent: credentials, then: afterNew,
		}},
		{what: orderDeleted, during: afterIssue, outcome: unnoticed, play: func(s *story) { s.Remove(s.issued()) }},
	}
}

func credentialDeeds() []deed {
	const (
		exchanged = "puts other transfer credentials into the Secret"
		removed   = "deletes the Secret with the transfer credentials"
	)
	deleted := func(s *story) {
		s.Remove(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: transferName}})
	}
	return []deed{
		{what: exchanged, during: beforeSending, play: func(s *story) {
			s.refused()
			s.exchangeCredentials()
			s.behave()
		}, outcome: outcome{
			told: []told{{reason: v1alpha1.ReasonWithdrawn, silent: true, says: []string{
				"now holds other transfer credentials", "nothing was spent, and a new order is made",
			}}},
			spent: nothing, then: byItself,
		}},
		{what: exchanged, during: inDoubt, play: func(s *story) {
			s.doubted()
			s.exchangeCredentials()
		}, outcome: outcome{
			told: []told{{reason: v1alpha1.ReasonResponseLost, silent: true, says: []string{
				"the request was sent and its response was lost", "now holds other transfer credentials",
				"a new order is made with those",
			}}},
			spent: credentials, then: byItself,
		}},
		{what: removed, during: beforeSending, play: func(s *story) {
			s.refused()
			deleted(s)
			s.behave()
		}, outcome: outcome{
			told: []told{{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
				"Secret", transferName, "does not exist",
			}}},
			spent: nothing, then: continuation{
				words: "once there are transfer credentials again",
				do:    func(s *story) { s.Create(s.credentials(transferName)) },
			},
		}},
		{what: removed, during: whileSending, outcome: unnoticed, play: func(s *story) {
			s.sending()
			deleted(s)
		}},
		{what: removed, during: inFlight, outcome: unnoticed, play: func(s *story) {
			s.submitted()
			deleted(s)
		}},
	}
}

// replaced does what makes cert-manager replace the CertificateRequest, and waits for the next one. What the first one
// has told does not count any more.
func (s *story) replaced(do func(*cmapi.CertificateRequest)) {
	s.Helper()
	first := s.awaitRequest(nil)
	do(first)
	s.heard = s.length(s.Namespace)
	s.awaitRequest(first)
}

// removeAsCollected deletes the Certificate and what it owns, as the garbage collector does that a cluster has and this
// one has not.
func (s *story) removeAsCollected() {
	s.Helper()
	request := s.awaitRequest(nil)
	certificate := s.theCertificate()
	s.Remove(certificate, request)
	keys := &corev1.SecretList{}
	if err := s.Client.List(s.Context(), keys); err != nil {
		s.Fatal(err)
	}
	for i := range keys.Items {
		if owner := metav1.GetControllerOf(&keys.Items[i]); owner != nil && owner.UID == certificate.UID {
			s.Remove(&keys.Items[i])
		}
	}
}

package misbehavior

import (
	"context"
	"os"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// otherCustomer is one that the certificates of the stories are not for.
const otherCustomer = "7654321-4"

func issuerDeeds() []deed {
	changed := outcome{
		told: []told{{reason: v1alpha1.ReasonIssuerChanged, says: []string{
			"was made for customer " + customerID + " in TEST", "it goes on when the issuer names them again",
			"delete the VeroOrder to give it up",
		}}},
		spent: nothing,
	}
	then := func(before outcome, words string, repair func(*v1alpha1.VeroIssuer)) outcome {
		before.then = continuation{words: words, do: func(s *story) { s.EditIssuer(repair) }}
		return before
	}
	test := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Environment = v1alpha1.VeroEnvironmentTest }
	production := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Environment = v1alpha1.VeroEnvironmentProduction }
	own := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.CustomerID = customerID }
	other := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.CustomerID = otherCustomer }
	edited := func(change func(*v1alpha1.VeroIssuer)) func(*story) {
		return func(s *story) {
			s.submitted()
			s.EditIssuer(change)
		}
	}
	const (
		environment = "changes the issuer's environment"
		customer    = "changes the issuer's customerID"
		trust       = "changes the issuer's trust to a wrong one"
		deleted     = "deletes the issuer"
		named       = "once the issuer names it again"
	)
	return []deed{
		{what: environment, during: beforeSending, elsewhere: "TestAnIssuerOfTheWrongEnvironmentSaysSoAndSpendsNothing",
			outcome: then(outcome{
				told: []told{{reason: v1alpha1.ReasonWrongEnvironment, says: []string{
					"PKI005", "make spec.environment and spec.url name the same environment", "nothing was spent",
				}}},
				spent: nothing,
			}, named, test)},
		{what: environment, during: inFlight, outcome: then(changed, named, test), play: edited(production)},
		{what: customer, during: beforeSending, outcome: outcome{
			told: []told{{reason: v1alpha1.ReasonInvalidRequest, says: []string{
				customerID, otherCustomer, "cmctl renew",
			}}},
			spent: nothing,
			then: continuation{
				words: "with `cmctl renew`, once the issuer names it again",
				do: func(s *story) {
					s.EditIssuer(own)
					s.AwaitIssuer()
					s.behave()
					s.renewNow()
				},
			},
		}, play: func(s *story) {
			s.refused()
			s.EditIssuer(other)
		}},
		{what: customer, during: inFlight, outcome: then(changed, named, own), play: edited(other)},
		{what: trust, during: inFlight, outcome: then(misled, "once the trust is right", func(issuer *v1alpha1.VeroIssuer) {
			issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = "responses.pem"
		}), play: edited(func(issuer *v1alpha1.VeroIssuer) {
			issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = "tls.pem"
		})},
		{what: deleted, during: beforeSending, elsewhere: "TestAnIssuerMayComeAfterTheCertificate", outcome: missing()},
		{what: deleted, during: inFlight, elsewhere: "TestAnIssuerThatIsDeletedAfterTheAcceptanceMayComeBack",
			outcome: missing()},
	}
}

// renewNow renews the Certificate once its request has failed.
func (s *story) renewNow() {
	s.Helper()
	certificate := &cmapi.Certificate{}
	s.Eventually("the request to fail", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, s.certificateKey(), certificate)
		return certificate.Status.LastFailureTime != nil, err
	})
	s.Renew(certificate)
}

// missing is what comes of an issuer that is not there.
func missing() outcome {
	return outcome{
		told: []told{{reason: v1alpha1.ReasonIssuerNotFound, says: []string{
			"VeroIssuer vero does not exist", "it goes on when somebody creates it",
		}}},
		spent: nothing, then: continuation{words: "once there is an issuer of that name"},
	}
}

func namespaceDeeds() []deed {
	const deleted = "deletes the namespace"
	over := outcome{spent: underWay, then: continuation{words: "not at all: the order goes with the namespace"}}
	ends := func(s *story) {
		s.Helper()
		s.deleteNamespace()
		if submissions := s.Accepted(); len(submissions) > 1 {
			s.Errorf("the service has accepted %+v", submissions)
		}
		s.isDeserted()
	}
	return []deed{
		{what: deleted, during: beforeSending, outcome: outcome{spent: nothing, then: over.then}, ends: ends,
			play: (*story).refused},
		{what: deleted, during: whileSending, outcome: over, play: (*story).sending, ends: func(s *story) {
			retrievalID := s.Accepted()[0].RetrievalID
			ends(s)
			s.Eventually("the log to tell RetrievalId "+retrievalID, func(context.Context) (bool, error) {
				content, err := os.ReadFile(s.Controller().LogFile())
				return strings.Contains(string(content), retrievalID), err
			})
		}},
		{what: deleted, during: inFlight, outcome: over, ends: ends, play: func(s *story) { s.submitted() }},
	}
}

package stories

import (
	"context"
	"os"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// otherCustomer is one that the certificates of the test cases are not for.
const otherCustomer = "7654321-4"

func issuerActions() []userAction {
	changed := outcome{
		expected: []expectation{{reason: v1alpha1.ReasonIssuerChanged, says: []string{
			"was made for customer " + customerID + " in TEST", "it goes on when the issuer names them again",
			"delete the VeroOrder to give it up",
		}}},
		spent: nothing,
	}
	then := func(before outcome, words string, repair func(*v1alpha1.VeroIssuer)) outcome {
		before.then = continuation{words: words, do: func(s *testCase) { s.EditIssuer(repair) }}
		return before
	}
	test := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Environment = v1alpha1.VeroEnvironmentTest }
	production := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Environment = v1alpha1.VeroEnvironmentProduction }
	own := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.CustomerID = customerID }
	other := func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.CustomerID = otherCustomer }
	edited := func(change func(*v1alpha1.VeroIssuer)) func(*testCase) {
		return inTurn(accepted, func(s *testCase) { s.EditIssuer(change) })
	}
	const (
		environment = "changes the issuer's environment"
		customer    = "changes the issuer's customerID"
		trust       = "changes the issuer's trust to a wrong one"
		deleted     = "deletes the issuer"
		named       = "once the issuer names it again"
	)
	return []userAction{
		{what: environment, during: beforeSending, outcome: then(outcome{
			expected: []expectation{{reason: v1alpha1.ReasonWrongEnvironment, says: []string{
				"PKI005", "make spec.environment and spec.url name the same environment", "nothing was spent",
			}}},
			spent: nothing,
		}, named, test), do: func(s *testCase) {
			s.EditIssuer(production)
			s.Create(s.Certificate())
			s.awaitIssuer(v1alpha1.ReasonWrongEnvironment, "PRODUCTION", "PKI005", "nothing was spent")
			s.awaitPending(certificateName, "PRODUCTION", "PKI005")
			s.spends(nothing, 0)
		}},
		{what: environment, during: inFlight, outcome: then(changed, named, test), do: edited(production)},
		{what: customer, during: beforeSending, outcome: outcome{
			expected: []expectation{{reason: v1alpha1.ReasonInvalidRequest, says: []string{
				customerID, otherCustomer, "cmctl renew",
			}}},
			spent: nothing,
			then: continuation{
				words: "with `cmctl renew`, once the issuer names it again",
				do: func(s *testCase) {
					s.EditIssuer(own)
					s.AwaitIssuer()
					s.deliver()
					s.renewNow()
				},
			},
		}, do: func(s *testCase) {
			s.refused()
			s.EditIssuer(other)
		}},
		{what: customer, during: inFlight, outcome: then(changed, named, own), do: edited(other)},
		{what: trust, during: inFlight, outcome: then(misled, "once the trust is right", func(issuer *v1alpha1.VeroIssuer) {
			issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = "responses.pem"
		}), do: edited(func(issuer *v1alpha1.VeroIssuer) {
			issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = "tls.pem"
		})},
		{what: deleted, during: beforeSending, outcome: missing((*testCase).nothingHappened), do: func(s *testCase) {
			s.Remove(s.Issuer())
			s.Create(s.Certificate())
		}},
		{what: deleted, during: inFlight, outcome: missing(nil), do: func(s *testCase) {
			order := s.accepted()
			s.Remove(s.Issuer())
			s.awaitEvent("VeroOrder", order.Name, corev1.EventTypeNormal, v1alpha1.ReasonIssuerNotFound)
		}},
	}
}

// renewNow renews the Certificate once its request has failed.
func (s *testCase) renewNow() {
	s.Helper()
	certificate := &cmapi.Certificate{}
	s.Eventually("the request to fail", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, s.certificateKey(), certificate)
		return certificate.Status.LastFailureTime != nil, err
	})
	s.Renew(certificate)
	s.readAll()
}

// missing is what comes of an issuer that is not there; untilThen is what holds until there is one.
func missing(untilThen func(*testCase)) outcome {
	return outcome{
		expected: []expectation{{reason: v1alpha1.ReasonIssuerNotFound, says: []string{
			"VeroIssuer vero does not exist", "it goes on when somebody creates it",
		}}},
		spent: nothing, then: continuation{words: "once there is an issuer of that name", do: func(s *testCase) {
			if untilThen != nil {
				untilThen(s)
			}
			s.Create(s.Issuer())
		}},
	}
}

func namespaceActions() []userAction {
	const deleted = "deletes the namespace"
	over := outcome{spent: underWay, then: continuation{words: "not at all: the order goes with the namespace"}}
	ends := func(s *testCase) {
		s.Helper()
		s.deleteNamespace()
		if submissions := s.Accepted(); len(submissions) > 1 {
			s.Errorf("the service has accepted %+v", submissions)
		}
		s.deleted.add(s.Namespace)
	}
	return []userAction{
		{what: deleted, during: beforeSending, outcome: outcome{spent: nothing, then: over.then}, ends: ends,
			do: (*testCase).refused},
		{what: deleted, during: whileSending, outcome: over, do: (*testCase).sending, ends: func(s *testCase) {
			retrievalID := s.Accepted()[0].RetrievalID
			ends(s)
			s.Eventually("the log to name RetrievalId "+retrievalID, func(context.Context) (bool, error) {
				content, err := os.ReadFile(s.Controller().LogFile())
				return strings.Contains(string(content), retrievalID), err
			})
		}},
		{what: deleted, during: inFlight, outcome: over, ends: ends, do: accepted},
	}
}

// deleteNamespace does what a person does, and then what kube-controller-manager does, which this cluster has not.
func (s *testCase) deleteNamespace() {
	s.Helper()
	namespace := s.NamespaceObject()
	s.Remove(namespace)
	kinds := []client.Object{
		&v1alpha1.VeroOrder{}, &v1alpha1.VeroIssuer{}, &cmapi.Certificate{}, &cmapi.CertificateRequest{},
		&corev1.Secret{}, &corev1.ConfigMap{},
	}
	s.Eventually("the namespace to be empty", func(ctx context.Context) (bool, error) {
		for _, kind := range kinds {
			if err := s.Client.DeleteAllOf(ctx, kind, client.InNamespace(s.Namespace)); err != nil {
				return false, err
			}
		}
		orders := &v1alpha1.VeroOrderList{}
		err := s.Client.List(ctx, orders, client.InNamespace(s.Namespace))
		return len(orders.Items) == 0, err
	})
	s.Eventually("the namespace to be gone", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		namespace.Spec.Finalizers = nil
		return false, client.IgnoreNotFound(s.Client.SubResource("finalize").Update(ctx, namespace))
	})
}

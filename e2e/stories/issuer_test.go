package stories

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// spoiled is an issuer that cannot work.
type spoiled struct {
	// spoil changes issuer and bundles before they are created; without a bundle no ConfigMap is created.
	spoil func(*testCase, *v1alpha1.VeroIssuer, *corev1.ConfigMap)
	// reason and says are what the issuer reports.
	reason string
	says   []string
	// repair is what the user changes then.
	repair func(*testCase)
}

// beforeCalls are mistakes that show before anything is sent.
var beforeCalls = map[string]spoiled{
	"the endpoint is not there": {
		spoil: func(_ *testCase, issuer *v1alpha1.VeroIssuer, _ *corev1.ConfigMap) {
			issuer.Spec.URL = "https://127.0.0.1:1/"
		},
		reason: v1alpha1.ReasonEndpointUnreachable,
		says:   []string{"127.0.0.1:1", "connection refused", "check spec.url"},
		repair: func(s *testCase) { s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.URL = s.Service.URL }) },
	},
	"the TLS authority is another one": {
		spoil: func(s *testCase, _ *v1alpha1.VeroIssuer, trust *corev1.ConfigMap) {
			trust.Data["other.pem"] = trust.Data[keyTLS]
			trust.Data[keyTLS] = s.Bundles(s.World.Service)[keyTLS]
		},
		reason: v1alpha1.ReasonEndpointUntrusted,
		says:   []string{"127.0.0.1", "does not verify", "spec.trust.tls"},
		repair: func(s *testCase) {
			s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Trust.TLS.ConfigMapKeyRef.Key = "other.pem" })
		},
	},
	"there is no ConfigMap": {
		spoil:  func(_ *testCase, _ *v1alpha1.VeroIssuer, trust *corev1.ConfigMap) { clear(trust.Data) },
		reason: v1alpha1.ReasonBundleNotFound,
		says:   []string{"spec.trust.tls.configMapKeyRef", trustName, "does not exist", "create it with the key " + keyTLS},
		repair: func(s *testCase) { s.Create(s.Trust()) },
	},
	"a bundle is none": {
		spoil: func(_ *testCase, issuer *v1alpha1.VeroIssuer, _ *corev1.ConfigMap) {
			issuer.Spec.Trust.Responses = v1alpha1.BundleSource{CABundle: []byte("the file of last year")}
		},
		reason: v1alpha1.ReasonBundleInvalid,
		says:   []string{"spec.trust.responses"},
		repair: func(s *testCase) {
			s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Trust.Responses = s.Issuer().Spec.Trust.Responses })
		},
	},
}

func TestAnIssuerThatCannotWorkSaysWhatToChangeAndSpendsNothing(t *testing.T) {
	t.Parallel()
	for claim, c := range beforeCalls {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.createSpoiled(c)
			s.awaitIssuer(c.reason, c.says...)
			s.awaitEvent(v1alpha1.KindVeroIssuer, issuerName, corev1.EventTypeWarning, c.reason, c.says...)
			pending := s.awaitPending(certificateName, slices.Concat(c.says, []string{"VeroIssuer vero is not ready"})...)
			s.spentNothing()
			if orders := s.Orders(); len(orders) > 0 {
				t.Errorf("there is an order already: %v", orders[0].Name)
			}

			c.repair(s)
			s.awaitIssuer(v1alpha1.ReasonChecked)
			s.awaitReady(certificateName).isFor(s, pending)
			s.spentOnce()
		})
	}
}

// afterAcceptance are mistakes that show only in what the service answers, when it has accepted already.
var afterAcceptance = map[string]spoiled{
	"the signer of responses is not trusted": {
		spoil: func(s *testCase, _ *v1alpha1.VeroIssuer, trust *corev1.ConfigMap) {
			trust.Data["other.pem"] = trust.Data[keyResponses]
			trust.Data[keyResponses] = s.Bundles(s.World.Service)[keyResponses]
		},
		reason: v1alpha1.ReasonUntrustedResponse,
		says: []string{
			"does not verify", "the signer's certificate has the SHA-256 fingerprint ",
			`names as its issuer "CN=Simulator responses`,
			"put that authority into spec.trust.responses if, and only if, the service's owner has published it",
		},
		repair: func(s *testCase) {
			s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = "other.pem" })
		},
	},
	"the issuing authority is not trusted": {
		spoil: func(s *testCase, _ *v1alpha1.VeroIssuer, trust *corev1.ConfigMap) {
			trust.Data[keyIssuance] = s.Bundles(s.World.Service)[keyIssuance]
		},
		reason: v1alpha1.ReasonUntrustedCertificate,
		says: []string{
			"the certificate has the SHA-256 fingerprint ",
			"put that authority into spec.trust.issuance if, and only if, the service's owner has published it",
		},
		repair: func(s *testCase) {
			tenant.Edit(s.Tenant, s.Trust(), func(trust *corev1.ConfigMap) {
				trust.Data[keyIssuance] = s.Bundles(s.Service)[keyIssuance]
			})
		},
	},
}

func TestAResponseThatCannotBeVerifiedIsNotLost(t *testing.T) {
	t.Parallel()
	for claim, c := range afterAcceptance {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.createSpoiled(c)
			_, retrievalID := s.awaitSubmitted(certificateName)
			says := slices.Concat(c.says, []string{"RetrievalId " + retrievalID + " is kept"})
			s.awaitIssuer(c.reason, says...)
			pending := s.awaitPending(certificateName, says...)
			s.awaitEvent("VeroOrder", s.Orders()[0].Name, corev1.EventTypeWarning, c.reason, says...)

			c.repair(s)
			s.awaitReady(certificateName).isFor(s, pending)
			s.awaitIssuer(v1alpha1.ReasonChecked)
			if submission := s.spentOnce(); submission.RetrievalID != retrievalID {
				t.Errorf("the certificate was bought with RetrievalId %s, want the one that was kept, %s",
					submission.RetrievalID, retrievalID)
			}
		})
	}
}

// TestOneBundleForBothIsWarnedOf: an issuer with it works, as the service's signer is no customer.
func TestOneBundleForBothIsWarnedOf(t *testing.T) {
	t.Parallel()
	s := begin(t)
	const both = "both.pem"
	says := []string{
		`both hold "CN=Simulator responses,`, `and "CN=Simulator issuance,`, "issues certificates",
		"put only the authority that signs the service's responses into spec.trust.responses",
	}
	s.createSpoiled(spoiled{spoil: func(_ *testCase, issuer *v1alpha1.VeroIssuer, trust *corev1.ConfigMap) {
		trust.Data[both] = trust.Data[keyResponses] + trust.Data[keyIssuance]
		issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key, issuer.Spec.Trust.Issuance.ConfigMapKeyRef.Key = both, both
	}})
	s.awaitReady(certificateName)
	s.awaitIssuer(v1alpha1.ReasonChecked)
	s.awaitOverlap(says)
	s.awaitEvent(v1alpha1.KindVeroIssuer, issuerName, corev1.EventTypeWarning, v1alpha1.ReasonSharedAuthority, says...)

	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Trust.Responses.ConfigMapKeyRef.Key = keyResponses })
	says = []string{`both hold "CN=Simulator responses,O=Certificate service simulator\\, NOT FOR PRODUCTION,C=FI", which`}
	s.awaitOverlap(says)
	s.awaitEvent(v1alpha1.KindVeroIssuer, issuerName, corev1.EventTypeWarning, v1alpha1.ReasonSharedAuthority, says...)

	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.Trust.Issuance.ConfigMapKeyRef.Key = keyIssuance })
	s.awaitOverlap(nil)
	s.awaitIssuer(v1alpha1.ReasonChecked)
}

// createSpoiled creates all that a first certificate needs, with a mistake.
func (s *testCase) createSpoiled(c spoiled) {
	s.Helper()
	issuer, trust := s.Issuer(), s.Trust()
	c.spoil(s, issuer, trust)
	if len(trust.Data) > 0 {
		s.Create(trust)
	}
	s.Create(issuer, s.Credentials(s.Mint()), s.Certificate())
}

// listener counts the connections that come to a loopback address which is not on the list of the test cases.
func listener(t *testing.T) (address string, connections *atomic.Int32) {
	t.Helper()
	listening := must.Get((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0"))(t)
	t.Cleanup(func() { _ = listening.Close() })
	connections = &atomic.Int32{}
	go func() {
		for {
			connection, err := listening.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = connection.Close()
		}
	}()
	return listening.Addr().String(), connections
}

// The test cases allow 127.0.0.1 on any port. A VeroClusterIssuer is an administrator's, and may be of another host.
func TestATenantCannotLetTheControllerCallWhomItLikes(t *testing.T) {
	t.Parallel()
	s := begin(t)
	address, connections := listener(t)
	s.createSpoiled(spoiled{spoil: func(_ *testCase, issuer *v1alpha1.VeroIssuer, _ *corev1.ConfigMap) {
		issuer.Spec.URL = "https://" + address
	}})
	_, port, _ := strings.Cut(address, ":")
	for _, host := range []string{
		address, "169.254.169.254", "unlisted.invalid", "localhost:" + port, "[::ffff:127.0.0.2]:" + port,
	} {
		s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.URL = "https://" + host })
		says := []string{host, "--allowed-endpoints", "allowedEndpoints.hosts"}
		s.awaitIssuer(v1alpha1.ReasonEndpointNotAllowed, says...)
		s.awaitPending(certificateName, says...)
	}
	s.spentNothing()
	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.URL = s.Service.URL })
	s.awaitReady(certificateName)

	trust, issuer := s.clusterIssuer(s.Issuer())
	issuer.Spec.URL = "https://unlisted.invalid"
	s.Create(trust, issuer)
	s.awaitClusterIssuer(issuer, v1alpha1.ReasonEndpointUnreachable)
	tenant.Edit(s.Tenant, issuer, func(issuer *v1alpha1.VeroClusterIssuer) { issuer.Spec.URL = "https://" + address })
	s.awaitClusterIssuer(issuer, v1alpha1.ReasonEndpointNotAllowed)
	if got := connections.Load(); got > 0 {
		t.Errorf("%d connections came to %s", got, address)
	}
}

func (s *testCase) awaitClusterIssuer(issuer *v1alpha1.VeroClusterIssuer, reason string) {
	s.Helper()
	await(s, issuer, "not Ready for reason "+reason, func(issuer *v1alpha1.VeroClusterIssuer) bool {
		ready := meta.FindStatusCondition(issuer.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason && ready.ObservedGeneration == issuer.Generation
	})
}

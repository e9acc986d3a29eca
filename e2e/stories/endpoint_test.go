package stories

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// listener counts the connections that come to a loopback address which is not on the list of the test cases.
func listener(t *testing.T) (address string, connections *atomic.Int32) {
	t.Helper()
	listening := testkit.Must((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0"))(t)
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

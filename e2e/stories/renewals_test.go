package stories

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// threeRenewals is the test case of a Certificate that renews itself while a program uses it all the time.
type threeRenewals struct {
	*testCase

	first  *issued
	caller *caller
}

// awaitUse waits for the first certificate, and lets the program begin with it.
func (r *threeRenewals) awaitUse() {
	r.Helper()
	r.first = r.awaitFirst()
	r.caller = r.keepCalling()
}

// awaitInFlight waits for a renewal that the service has accepted and nobody has fetched.
func (r *threeRenewals) awaitInFlight() *v1alpha1.VeroOrder {
	r.Helper()
	request := r.awaitRequest(certificateName, "its renewal in flight", func(request *cmapi.CertificateRequest) bool {
		accepted := submitted(request)
		return accepted != nil && accepted.Reason == string(v1alpha1.VeroOperationRenew) &&
			isNotReady(request, cmapi.CertificateRequestReasonPending)
	})
	orders := r.Orders()
	index := slices.IndexFunc(orders, func(order v1alpha1.VeroOrder) bool {
		return order.Status.RetrievalID == submitted(request).Message
	})
	if index < 0 {
		r.Fatalf("no order has the RetrievalId of request %s", request.Name)
	}
	return &orders[index]
}

// nobodyNotices is how the test case ends: the first certificate has expired, and no connection has ever failed.
func (r *threeRenewals) nobodyNotices(t *testing.T) {
	t.Helper()
	const renewals = 3
	s := r.on(t)
	s.awaitRenewals(r.first, renewals)
	const what = "the end of the first certificate, and the use of as many other keys"
	s.Eventually(what, thatHolds(func() bool {
		return time.Now().After(r.first.chain[0].NotAfter) && r.keysInUse(s) > renewals
	}))
	presented := serials(r.caller.conclude(s))
	line := s.lineOf(r.first)
	s.spentOnce()
	if all := len(s.Asked(renew)); all != len(line)-1 {
		s.Errorf("the service was asked for %d renewals, want the %d that lead to the last certificate", all, len(line)-1)
	}
	if len(presented) <= renewals || len(presented) > len(line) {
		s.Fatalf("%d certificates were presented of %d, want four or more", len(presented), len(line))
	}
	used := line[:len(presented)]
	// awaitKeys says why there may be fewer keys than certificates.
	if numbers, keys := distinct(used, boughtSerial), distinct(used, boughtKey); numbers != len(used) || keys <= renewals {
		s.Errorf("%d certificates have %d serial numbers and %d keys, want as many, and four or more",
			len(used), numbers, keys)
	}
	for i, order := range used {
		if presented[i] != order.CertificateSerial {
			s.Errorf("certificate %d to be presented was %s, want %s", i+1, presented[i], order.CertificateSerial)
		}
	}
}

// keysInUse counts the keys of the certificates that the program has used.
func (r *threeRenewals) keysInUse(s *testCase) int {
	s.Helper()
	used := serials(r.caller.soFar())
	return distinct(slices.DeleteFunc(s.lineOf(r.first), func(order admin.Request) bool {
		return !slices.Contains(used, order.CertificateSerial)
	}), boughtKey)
}

func TestARenewalGetsANewKeyOrKeepsItAsTheRotationPolicySays(t *testing.T) {
	t.Parallel()
	const renewals = 2
	for _, policy := range []cmapi.PrivateKeyRotationPolicy{"", cmapi.RotationPolicyAlways, cmapi.RotationPolicyNever} {
		t.Run(cmp.Or(string(policy), "the default"), func(t *testing.T) {
			t.Parallel()
			s := quick.begin(t)
			certificate := quick.certificate(s)
			certificate.Spec.PrivateKey.RotationPolicy = policy
			quick.order(s, certificate)
			first := s.awaitFirst()
			s.awaitRenewals(first, renewals)
			keys := 1
			if policy == cmapi.RotationPolicyAlways || policy == "" && s.certManagerIs(sinceRotation) {
				keys = 1 + renewals
			}
			line := s.awaitKeys(first, keys)
			if found := distinct(line, boughtKey); keys == 1 && found != keys {
				s.Errorf("%d certificates have %d keys, want %d", len(line), found, keys)
			}
			s.spentOnce()
		})
	}
}

// With a history of one request cert-manager deletes the one that has brought the current certificate when it asks for
// the next one.
func TestRenewalsGoOnWhenOneRequestIsKept(t *testing.T) {
	t.Parallel()
	const renewals = 2
	s := quick.begin(t)
	certificate := quick.certificate(s)
	certificate.Spec.RevisionHistoryLimit = new(int32(1))
	quick.order(s, certificate)
	first := s.awaitFirst()
	line := s.awaitRenewals(first, renewals)
	// How many are there at a moment is cert-manager's affair, which is late on a busy machine.
	s.Eventually("the request of the first certificate: removed", func(ctx context.Context) (bool, error) {
		list := &cmapi.CertificateRequestList{}
		err := s.Client.List(ctx, list, client.InNamespace(s.Namespace))
		return len(list.Items) > 0 && !slices.ContainsFunc(list.Items, func(request cmapi.CertificateRequest) bool {
			return request.UID == first.request.UID
		}), err
	})
	s.spentOnce()
	orders := s.Orders()
	for _, bought := range line {
		if !slices.ContainsFunc(orders, func(order v1alpha1.VeroOrder) bool {
			return order.Status.RetrievalID == bought.RetrievalID
		}) {
			s.Errorf("the order with RetrievalId %s has gone with its request", bought.RetrievalID)
		}
	}
}

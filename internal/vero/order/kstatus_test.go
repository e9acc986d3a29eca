package order_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
)

// TestOnlyAnOrderWithItsCertificateIsCurrent for kstatus. One that has failed stays in progress: a response that
// arrives late may still bear its certificate.
func TestOnlyAnOrderWithItsCertificateIsCurrent(t *testing.T) {
	for claim, c := range map[string]struct {
		edits []ordertest.Edit
		want  status.Status
	}{
		"just made":          {nil, status.InProgressStatus},
		"being sent":         {[]ordertest.Edit{ordertest.Intended(now)}, status.InProgressStatus},
		"accepted":           {[]ordertest.Edit{ordertest.Sent(now, nil)}, status.InProgressStatus},
		"refused":            {[]ordertest.Edit{ordertest.Sent(now, ordertest.PKI030)}, status.InProgressStatus},
		"with a certificate": {[]ordertest.Edit{ordertest.Bore(ordertest.LeafUntil(t, "ours", now))}, status.CurrentStatus},
	} {
		t.Run(claim, func(t *testing.T) {
			order := ordertest.SignNew(c.edits...)
			order.Namespace, order.Spec.Request = server.Namespace(t), []byte("not looked at")
			order.Spec.Transfer.TransferIDDigest, order.Spec.IssuerRef.UID = strings.Repeat("a", 64), "issuer-1"
			if c.edits == nil {
				order.Status = v1alpha1.VeroOrderStatus{} // the API server's is to be seen
			}
			server.Create(t, order)
			server.Kstatus(t, order, c.want, claim)
		})
	}
}

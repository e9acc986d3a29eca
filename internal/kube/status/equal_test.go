package status_test

import (
	"bytes"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

func TestEqualMeansWhatTheAPIServerMeans(t *testing.T) {
	chain := bytes.Repeat([]byte("chain"), 1000)
	with := func(certificate []byte, conditions ...cmapi.CertificateRequestCondition) *cmapi.CertificateRequest {
		request := &cmapi.CertificateRequest{}
		request.Status.Certificate, request.Status.Conditions = certificate, conditions
		return request
	}
	ready := cmapi.CertificateRequestCondition{Type: cmapi.CertificateRequestConditionReady}
	for claim, c := range map[string]struct {
		one, other *cmapi.CertificateRequest
		equal      bool
	}{
		"the same chain":        {with(chain), with(bytes.Clone(chain)), true},
		"none and an empty one": {with(nil), with([]byte{}), true},
		"none and one":          {with(nil), with(chain), false},
		"one more byte":         {with(chain), with(append(bytes.Clone(chain), 0)), false},
		"another condition":     {with(chain), with(chain, ready), false},
	} {
		if got := status.Equal(c.one, c.other); got != c.equal || got != equality.Semantic.DeepEqual(c.one, c.other) {
			t.Errorf("%s: they are equal: %v", claim, got)
		}
	}
}

// BenchmarkEqual compares requests with a chain of 10 kB.
func BenchmarkEqual(b *testing.B) {
	request := &cmapi.CertificateRequest{}
	request.Status.Certificate = bytes.Repeat([]byte("chain"), 2000)
	again := request.DeepCopy()
	for claim, equal := range map[string]func(one, other any) bool{
		"ours": status.Equal, "Semantic": equality.Semantic.DeepEqual,
	} {
		b.Run(claim, func(b *testing.B) {
			for b.Loop() {
				equal(request, again)
			}
		})
	}
}

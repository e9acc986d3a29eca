package stories

import (
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// cost is what was wasted: spent beside the credentials that have brought the certificate.
type cost struct {
	// words are those of the page.
	words string
	// orders is how many SignNewCertificate the service has accepted beside the one that has led to the certificate.
	orders int
}

var (
	nothing     = cost{words: "nothing"}
	credentials = cost{words: "the transfer credentials", orders: 1}
	underWay    = cost{words: "what was under way"}
)

// continuation is how it goes on.
type continuation struct {
	// words are those of the page.
	words string
	// do is what a person does for that; nil where it goes on by itself.
	do func(*testCase)
}

var (
	byItself = continuation{words: "by itself"}
	afterNew = continuation{
		words: "with new transfer credentials in the Secret",
		do:    func(s *testCase) { s.ReplaceCredentials(s.Mint()) },
	}
)

// outcome is what comes of a fault, an action or a disturbance.
type outcome struct {
	// name is what the table of faults calls it.
	name string
	// expected is what the user reads. The first message also has the words that say what the fault is.
	expected []expectation
	spent    cost
	then     continuation
	// repeats is how many calls of an operation come of it beside the one that it hits. None are counted for
	// GetCertificate, which is repeated in any case.
	repeats map[string]int
}

// saying is the outcome whose first message has further words, before its own.
func (o outcome) saying(words ...string) outcome {
	if len(words) == 0 {
		return o // there may be no message at all
	}
	o.expected = slices.Clone(o.expected)
	o.expected[0].says = slices.Concat(words, o.expected[0].says)
	return o
}

// follow checks what the user reads, and does what is then to be done.
func (o outcome) follow(s *testCase, words ...string) {
	s.Helper()
	for _, what := range o.saying(words...).expected {
		s.expect(what)
	}
	if o.then.do != nil {
		o.then.do(s)
	}
}

// spends fails the test case unless the service has accepted as much as that: bought is what was bought on purpose.
func (s *testCase) spends(spent cost, bought int) {
	s.Helper()
	if accepted := s.Accepted(); len(accepted) != bought+spent.orders {
		s.Errorf("the service has accepted %d SignNewCertificate, want %d: %+v",
			len(accepted), bought+spent.orders, accepted)
	}
}

// certificateKey is where the sample Certificate is.
func (s *testCase) certificateKey() client.ObjectKey {
	return client.ObjectKey{Namespace: s.Namespace, Name: certificateName}
}

// theCertificate is the sample Certificate as the API server has it.
func (s *testCase) theCertificate() *cmapi.Certificate {
	s.Helper()
	certificate := &cmapi.Certificate{}
	testkit.NoError(s, s.Client.Get(s.Context(), s.certificateKey(), certificate))
	return certificate
}

// held is how long the service holds a response back: enough to interfere, less than a call may take.
const held = admin.Duration(12 * time.Second)

// unnoticed is what comes of something that harms nobody.
var unnoticed = outcome{spent: nothing, then: byItself}

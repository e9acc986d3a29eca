package misbehavior

import (
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Operations of the service, as its request log and the page call them.
const (
	signNew = "SignNewCertificate"
	renew   = "RenewCertificate"
	get     = "GetCertificate"
)

// cost is what was spent in vain, beside the credentials that have brought the certificate.
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
	do func(*story)
}

var (
	byItself = continuation{words: "by itself"}
	afterNew = continuation{
		words: "with new transfer credentials in the Secret",
		do:    (*story).exchangeCredentials,
	}
)

// outcome is what comes of a misbehavior.
type outcome struct {
	// name is what the table of the service's misbehaviors calls it.
	name string
	// told is what the user reads. The first message also has the words that are told of the misbehavior itself.
	told  []told
	spent cost
	then  continuation
}

// saying is the outcome whose first message has further words, before its own.
func (o outcome) saying(words ...string) outcome {
	if len(words) == 0 {
		return o // there may be no message at all
	}
	o.told = slices.Clone(o.told)
	o.told[0].says = slices.Concat(words, o.told[0].says)
	return o
}

// pursue checks what the user is told, and does what is then to be done.
func (o outcome) pursue(s *story, words ...string) {
	s.Helper()
	for _, what := range o.saying(words...).told {
		s.awaitTold(what)
	}
	if o.then.do != nil {
		o.then.do(s)
	}
}

// spends fails the story unless the service has accepted as much as that: bought is what was bought on purpose.
func (s *story) spends(spent cost, bought int) {
	s.Helper()
	if accepted := s.Accepted(); len(accepted) != bought+spent.orders {
		s.Errorf("the service has accepted %d SignNewCertificate, want %d: %+v",
			len(accepted), bought+spent.orders, accepted)
	}
}

// certificateKey is where the sample Certificate is.
func (s *story) certificateKey() client.ObjectKey {
	return client.ObjectKey{Namespace: s.Namespace, Name: certificateName}
}

// theCertificate is the sample Certificate as the API server has it.
func (s *story) theCertificate() *cmapi.Certificate {
	s.Helper()
	certificate := &cmapi.Certificate{}
	if err := s.Client.Get(s.Context(), s.certificateKey(), certificate); err != nil {
		s.Fatal(err)
	}
	return certificate
}

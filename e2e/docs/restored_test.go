package docs

import (
	"bytes"
	"errors"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// loss is a namespace that is lost and restored.
type loss struct {
	// service is arguments for its certificate service, how the way in which it is restored.
	service []string
	how     restoration
	// before brings it to where it is lost; last, if there is one, goes the last step to what lasts for seconds only.
	before, last func(*scenario)
	// after is what has to hold once it is restored.
	after func(*scenario)
}

func losses() map[string]loss {
	return map[string]loss{
		"a Certificate is Ready, and orders nothing":                certificateLost(asThePageSays()),
		"a Certificate that comes before its Secret orders nothing": certificateLost(asThePageSays().backwards()),
		"what was under way is brought back as the page says":       lostUnderWay(),
		"a CertificateRequest orders nothing that nobody waits for": requestLost(),
	}
}

// TestARestoreSpendsNothing loses and restores the namespaces while the controller and cert-manager are stopped, as the
// page says. It is alone with the world until both work again: those that call Parallel wait for it.
func TestARestoreSpendsNothing(t *testing.T) {
	losses, scenarios := losses(), map[string]*scenario{}
	for claim, loss := range losses {
		scenarios[claim] = beginScenario(t, "lost", loss.service...)
	}
	t.Run("before the loss", func(t *testing.T) {
		for claim, loss := range losses {
			t.Run(claim, func(t *testing.T) {
				t.Parallel()
				loss.before(scenarios[claim].on(t))
			})
		}
	})
	for claim, loss := range losses {
		if loss.last != nil {
			loss.last(scenarios[claim])
		}
	}
	if t.Failed() {
		return
	}
	w := theWorld(t)
	testkit.NoError(t, errors.Join(w.StopController(), w.Cluster.StopCertManager()))
	for claim, loss := range losses {
		kept := scenarios[claim].backup(t.Context())
		scenarios[claim].lose(kept)
		scenarios[claim].restore(kept, loss.how)
	}
	testkit.NoError(t, errors.Join(w.StartController(t.Context()), w.Cluster.StartCertManager(t.Context())))
	t.Parallel()
	for claim, loss := range losses {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := scenarios[claim].on(t)
			loss.after(s)
			if sent := s.submissions(); len(sent) != 1 {
				t.Errorf("the service was sent %+v, want what was sent before the loss", sent)
			}
		})
	}
}

// on is the scenario in a test within its own.
func (s *scenario) on(t *testing.T) *scenario {
	t.Helper()
	return &scenario{s.On(t)}
}

// provide lets the scenario's Certificate become Ready. Then somebody puts unspent credentials there, for another one.
func (s *scenario) provide() {
	s.Helper()
	s.Create(s.Certificate())
	s.AwaitReady(certificateName)
	s.ReplaceCredentials(s.Mint())
}

func (s *scenario) certificateHeld() []byte {
	s.Helper()
	return get(s, tlsSecretName, &corev1.Secret{}).Data[corev1.TLSCertKey]
}

func certificateLost(how restoration) loss {
	var held []byte
	return loss{service: []string{"--processing-delay=1s"}, how: how, before: func(s *scenario) {
		s.provide()
		held = s.certificateHeld()
	}, after: func(s *scenario) {
		s.AwaitReady(certificateName)
		s.AwaitIssuer()
		if !bytes.Equal(s.certificateHeld(), held) {
			s.Error("the Secret holds another certificate than before")
		}
		if orders := s.Orders(); len(orders) != 1 || orders[0].Status.State != v1alpha1.VeroOrderIssued {
			s.Errorf("the orders are %+v, want the one that was restored, Issued", orders)
		}
		if requests := s.Requests(); len(requests) > 0 {
			s.Errorf("there are requests: %+v", requests)
		}
	}}
}

// lostUnderWay runs the commands of the page.
func lostUnderWay() loss {
	return loss{service: []string{"--processing-delay=20s"}, how: asThePageSays(), before: (*scenario).AwaitIssuer,
		last: func(s *scenario) {
			s.Create(s.Certificate())
			s.AwaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool { return order.Status.RetrievalID != "" })
		},
		after: func(s *scenario) {
			s.AwaitOrder("issued", func(order *v1alpha1.VeroOrder) bool {
				return order.Status.State == v1alpha1.VeroOrderIssued
			})
			s.awaitSaying(cmapi.CertificateRequestConditionReady, "were spent")
			s.follow(restorePage, "What you see afterwards")
			s.AwaitReady(certificateName)
		}}
}

// requestLost: whoever restores everything as it comes brings back a CertificateRequest that has lost its owner, its
// approval and its outcome. With unspent credentials there it must not order what nobody waits for.
func requestLost() loss {
	return loss{service: []string{"--processing-delay=1s"}, before: (*scenario).provide, after: func(s *scenario) {
		s.AwaitReady(certificateName)
		s.awaitSaying(cmapi.CertificateRequestConditionReady, "which does not control it any more")
		for _, order := range s.Orders() {
			if order.Status.State != v1alpha1.VeroOrderIssued || order.Status.RetrievalID == "" {
				s.Errorf("order %s has lost its status: %+v", order.Name, order.Status)
			}
		}
	}}
}

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const (
	customer  = "0123456-7"
	namespace = "soak"
	// window is as long as a certificate's life, so that it can be renewed at any time.
	window = 2 * 365 * 24 * time.Hour
)

// environment is a world of one test, with one tenant, who uses the world's own service.
type environment struct {
	*tenant.Tenant
	secrecy.Ledger

	// seen are the Certificates, CertificateRequests and orders as a watch has them.
	seen client.Reader
	// random decides what is left to chance.
	random *rand.Rand

	mutex sync.Mutex
	// payers are the Certificates that TransferIds were bought for.
	payers map[string]string
	// replaced counts credentials that a person had to buy again.
	replaced int
	// killed is when a replica was killed.
	killed []time.Time
	// recalled are orders that a person has given up, as they were then.
	recalled []v1alpha1.VeroOrder
}

// startEnvironment starts a world and makes the issuer. The world ends with the test.
func startEnvironment(t *testing.T, options world.Options) *environment {
	t.Helper()
	options.Log = t.Output()
	// What is logged at this level must not be secret either.
	options.ControllerArgs = append(options.ControllerArgs, "--log-level=debug")
	options.SimulatorArgs = []string{"--processing-delay=1s", "--renewal-window=" + window.String()}
	w := must.Get(world.Start(t.Context(), options))(t)
	only := &tenant.Tenant{T: t, World: w, Service: w.Service, Namespace: namespace}
	s := &environment{Tenant: only, payers: map[string]string{}}
	t.Cleanup(s.end)
	s.seedRandom()
	s.watch()
	must.Do(t, s.WatchSecrets(t.Context(), s.Cluster.RESTConfig()))
	issuer := s.Service.Issuer(namespace, customer)
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: window}
	s.Create(s.NamespaceObject(), s.Trust(), issuer)
	return s
}

func (s *environment) end() {
	output, err := secrecy.Told(context.Background(), s.World)
	if err := errors.Join(err, s.Check(output)); err != nil {
		s.Errorf("the secrets of this test: %v", err)
	}
	if err := s.End(s.Failed()); err != nil {
		s.Error(err)
	}
}

func (s *environment) seedRandom() {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	s.Logf("-seed=%d repeats what is random here", seed)
	s.random = rand.New(rand.NewPCG(seed, seed))
}

// watch keeps a picture of the objects, so that looking at a thousand of them costs the API server nothing.
func (s *environment) watch() {
	s.Helper()
	options := cache.Options{Scheme: s.Client.Scheme(), DefaultTransform: cache.TransformStripManagedFields()}
	s.seen = must.Get(testkit.Watch(s.Context(), s.Cluster.RESTConfig(), options, nil,
		&cmapi.Certificate{}, &cmapi.CertificateRequest{}, &v1alpha1.VeroOrder{}))(s)
}

func nameOf(number int) string { return fmt.Sprintf("certificate-%04d", number) }

// order creates a Certificate. The Secret with its credentials has the same name.
func (s *environment) order(name string) {
	s.Helper()
	s.Create(world.Certificate(namespace, name, customer))
}

// renew does what `cmctl renew` does.
func (s *environment) renew(name string) {
	s.Helper()
	s.Renew(&cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
}

// kill kills a replica.
func (s *environment) kill(number int) {
	s.Helper()
	s.killed = append(s.killed, time.Now())
	must.Do(s, s.Replica(number).Kill())
}

// list fills a list from the watch.
func (s *environment) list(list client.ObjectList) {
	s.Helper()
	must.Do(s, s.seen.List(s.Context(), list, client.InNamespace(namespace)))
}

func (s *environment) orders() []v1alpha1.VeroOrder {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	s.list(list)
	return list.Items
}

// eventually waits until something holds.
func (s *environment) eventually(what string, holds func() bool) {
	s.Helper()
	testkit.Eventually(s, what, func(context.Context) (bool, error) { return holds(), nil }, s.unfinished)
}

// revision is how many certificates a Certificate has received; 0 while it is not Ready, or is being issued anew.
func revision(certificate *cmapi.Certificate) int {
	ready := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionReady)
	issuing := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionIssuing)
	if certificate.Status.Revision == nil || ready == nil || ready.Status != cmmeta.ConditionTrue ||
		(issuing != nil && issuing.Status == cmmeta.ConditionTrue) {
		return 0
	}
	return *certificate.Status.Revision
}

// received reports whether the Certificates of those names all have so many certificates.
func (s *environment) received(count int, names ...string) bool {
	s.Helper()
	list := &cmapi.CertificateList{}
	s.list(list)
	there := 0
	for i := range list.Items {
		if slices.Contains(names, list.Items[i].Name) && revision(&list.Items[i]) >= count {
			there++
		}
	}
	return there == len(names)
}

// leader is the number of the replica that works, once one does.
func (s *environment) leader() (number int) {
	s.Helper()
	s.eventually("one of the replicas to work", func() bool {
		for number = 1; number <= 2; number++ {
			if s.Replica(number).Works(s.Context()) {
				return true
			}
		}
		return false
	})
	return number
}

// replaceController kills the controller and starts another one, which need not wait for the lease of the dead one.
func (s *environment) replaceController() {
	s.Helper()
	s.kill(1)
	must.Do(s, s.FreeLease(s.Context()))
	must.Get(s.LaunchReplica(s.Context(), 1))(s)
}

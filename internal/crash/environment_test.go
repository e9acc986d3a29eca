package crash_test

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

const (
	customerID     = "0123456-7"
	transferSecret = "vero-transfer"
	day            = 24 * time.Hour
	retention      = 30 * day
	// validity of the certificates: the renewal window is open all the time.
	validity = 30 * day
)

// issuerRef names the issuer of every environment.
var issuerRef = cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: v1alpha1.KindVeroIssuer, Name: "vero"}

// environment is where one issuance takes place: a namespace, a certificate service of its own, cert-manager and a
// person, and the time. It stays when a controller ends.
type environment struct {
	base

	simulator *simulator.Simulator
	admin     *admin.Client
	url       string
	// minted are the transfer credentials that were ever in the Secret, the last one being there now.
	minted []admin.Credential
	// writtenIntents: controllers write each intent, as for orders that they have made some time ago.
	writtenIntents bool
}

// base is what every environment has: a namespace, the time, and cert-manager.
type base struct {
	*testing.T

	namespace string
	clock     steppingClock
	certManager
}

func newBase(t *testing.T) base {
	t.Helper()
	return base{T: t, namespace: server.Namespace(t), clock: steppingClock{clocktesting.NewFakeClock(time.Now())}}
}

// scenario is an issuance.
type scenario struct {
	// renewal reports whether there is a certificate that is to be renewed.
	renewal bool
	// faults of the service.
	faults []admin.Fault
	// timeout is the issuer's retrievalTimeout, nil for the default.
	timeout *metav1.Duration
	// lost is how many answers the service loses, each of them with what it has cost.
	lost int
}

// delivery is what an issuance ends with.
var delivery = []string{get, "VeroOrder Issued", "CertificateRequest Issued"}

// expectedSteps is what has to be done for it, with whatever else in between.
func (s scenario) expectedSteps() []string {
	call := signNew
	if s.renewal {
		call = renew
	}
	return append([]string{createOrder, call, writeSubmitted}, delivery...)
}

// newEnvironment prepares the environment up to the moment at which cert-manager has made its CertificateRequest.
func newEnvironment(t *testing.T, scenario scenario) *environment {
	t.Helper()
	s := &environment{base: newBase(t)}
	t.Cleanup(s.clear)
	s.serve()
	s.must(server.Client.Create(t.Context(), s.transfer()))
	s.makeIssuer(scenario.timeout)
	if scenario.renewal {
		s.storeEarlierCertificate()
	}
	s.begin(&s.base, issuerRef)
	for _, fault := range scenario.faults {
		_, err := s.admin.Script(t.Context(), fault)
		s.must(err)
	}
	return s
}

// clear removes the orders, which everybody else would read: a repeated response is looked for in all that there are.
func (s *environment) clear() {
	ctx := context.WithoutCancel(s.Context())
	if err := server.Client.DeleteAllOf(ctx, &v1alpha1.VeroOrder{}, client.InNamespace(s.namespace)); err != nil {
		s.Error(err)
	}
}

// serve starts the certificate service.
func (s *environment) serve() {
	s.Helper()
	var host string
	s.simulator, s.admin, host = s.simulate()
	s.url = host + protocol.Path
}

// simulate starts a simulator, whose services are at a URL.
func (s *base) simulate() (made *simulator.Simulator, control *admin.Client, host string) {
	s.Helper()
	made, err := simulator.New(simulatorOptions(s.clock))
	s.must(err)
	service := httptest.NewUnstartedServer(made.Handler())
	service.TLS, service.Config.ErrorLog = made.TLSConfig(), log.New(io.Discard, "", 0)
	service.StartTLS()
	s.Cleanup(service.Close)
	administration := httptest.NewServer(made.AdminHandler())
	s.Cleanup(administration.Close)
	return made, admin.NewClient(administration.URL), service.URL
}

func simulatorOptions(source clock.Clock) simulator.Options {
	options := simulator.DefaultOptions()
	options.Clock, options.Authorities, options.Validity = source, authorities, validity
	return options
}

// transfer is a Secret with new transfer credentials.
func (s *environment) transfer() *corev1.Secret {
	s.Helper()
	minted, err := s.simulator.Mint(admin.MintRequest{CustomerID: customerID})
	s.must(err)
	s.minted = append(s.minted, minted.Credential)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: transferSecret},
		StringData: map[string]string{
			v1alpha1.KeyTransferID:       minted.TransferID,
			v1alpha1.KeyTransferPassword: minted.TransferPassword,
		},
	}
}

// makeIssuer makes the issuer, with the condition that its controller would set: that one takes no part here.
func (s *environment) makeIssuer(timeout *metav1.Duration) {
	s.Helper()
	issuer := &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: issuerRef.Name},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.VeroEnvironmentTest, URL: s.url, CustomerID: customerID,
			TransferSecretRef: &v1alpha1.TransferSecretReference{Name: transferSecret},
			Trust:             s.trust(), RetrievalTimeout: timeout,
		},
	}
	s.must(server.Client.Create(s.Context(), issuer))
	meta.SetStatusCondition(&issuer.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonChecked,
		ObservedGeneration: issuer.Generation,
	})
	s.must(server.Client.Status().Update(s.Context(), issuer))
}

// trust names the bundles of the certificate service.
func (s *environment) trust() v1alpha1.VeroTrust {
	bundle := func(name authority.Bundle) v1alpha1.BundleSource {
		return v1alpha1.BundleSource{CABundle: s.simulator.Bundle(name)}
	}
	return v1alpha1.VeroTrust{
		TLS:       new(bundle(authority.TLSBundle)),
		Responses: bundle(authority.ResponsesBundle),
		Issuance:  bundle(authority.IssuanceBundle),
	}
}

// view is what there is at a moment.
type view struct {
	requests []cmapi.CertificateRequest
	orders   []v1alpha1.VeroOrder
}

// finished reports whether all orders have ended.
func (v view) finished() bool {
	return !slices.ContainsFunc(v.orders, func(order v1alpha1.VeroOrder) bool {
		return order.Status.CompletionTime == nil
	})
}

// view looks at what there is now.
func (s *environment) view() view {
	s.Helper()
	requests, orders := &cmapi.CertificateRequestList{}, &v1alpha1.VeroOrderList{}
	s.must(server.Client.List(s.Context(), requests, client.InNamespace(s.namespace)))
	s.must(server.Client.List(s.Context(), orders, client.InNamespace(s.namespace)))
	return view{requests.Items, orders.Items}
}

func (s *base) request() *cmapi.CertificateRequest {
	s.Helper()
	request := &cmapi.CertificateRequest{}
	s.read(requestName, request)
	return request
}

func (s *environment) orders() []v1alpha1.VeroOrder {
	s.Helper()
	return s.view().orders
}

// orderObjects are the orders, for a cache that lags behind.
func (s *environment) orderObjects() []client.Object {
	s.Helper()
	orders := s.orders()
	objects := make([]client.Object, 0, len(orders))
	for i := range orders {
		objects = append(objects, &orders[i])
	}
	return objects
}

// letOthersAct lets everybody act who is not the controller, and tells what there is then.
func (s *environment) letOthersAct() view {
	s.Helper()
	now := s.view()
	s.storeCertificate(&s.base, &now.requests[0])
	s.replaceCredentials(now)
	return now
}

// replaceCredentials is the person who puts new transfer credentials into the Secret when an order says that a response
// was lost, and the request asks for new ones. An order that has drawn on earlier ones is answered already.
func (s *environment) replaceCredentials(now view) {
	s.Helper()
	current := secrets.Transfer{ID: s.minted[len(s.minted)-1].TransferID}.IDDigest()
	if slices.ContainsFunc(now.orders, func(order v1alpha1.VeroOrder) bool {
		return order.Spec.Transfer != nil && order.Spec.Transfer.TransferIDDigest == current && lost(&order) &&
			asksForCredentials(&now.requests[0])
	}) {
		s.must(server.Client.Update(s.Context(), s.transfer()))
	}
}

// requestLog is what the service was asked, which is the truth about what was paid for.
func (s *environment) requestLog(operation string) []admin.Request {
	s.Helper()
	asked, err := s.admin.Requests(s.Context(), operation, "")
	s.must(err)
	return asked
}

func (s *base) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *base) read(name string, into client.Object) {
	s.Helper()
	s.must(server.Client.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, into))
}

package docs

import (
	"context"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	cminformers "github.com/cert-manager/cert-manager/pkg/client/informers/externalversions"
	"github.com/cert-manager/cert-manager/pkg/controller"
	shim "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim"
	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const ingressPage = "docs/how-to/ingress-and-gateway.md"

// ingressShim is the part of cert-manager that makes Certificates for Ingresses and Gateways: its own code, called for
// one object at a time.
func (s *scenario) ingressShim() shim.SyncFn {
	s.Helper()
	asked := must.Get(cmclient.NewForConfig(s.Cluster.RESTConfig()))(s)
	factory := cminformers.NewSharedInformerFactoryWithOptions(asked, 0, cminformers.WithNamespace(s.Namespace))
	certificates := factory.Certmanager().V1().Certificates()
	informer := certificates.Informer()
	ctx, cancel := context.WithCancel(s.Context())
	factory.Start(ctx.Done())
	s.Cleanup(func() { cancel(); factory.Shutdown() })
	factory.WaitForCacheSync(ctx.Done())
	if !informer.HasSynced() {
		s.Fatal("the cache of Certificates does not fill")
	}
	recorder := record.NewFakeRecorder(100)
	s.Cleanup(func() {
		for len(recorder.Events) > 0 {
			s.Logf("cert-manager: %s", <-recorder.Events)
		}
	})
	return shim.SyncFnFor(recorder, logr.Discard(), asked, certificates.Lister(),
		controller.IngressShimOptions{}, "cert-manager-ingress-shim")
}

// shown is an object of a page, in the scenario's namespace.
func shown[T client.Object](s *scenario, page, kind, name string, object T) T {
	s.Helper()
	for _, b := range blocksOf(s.T, page, read(s.T, page)) {
		if b.language != "yaml" {
			continue
		}
		for _, manifest := range must.Get(manifestsIn(b.text))(s) {
			if manifest.GetKind() == kind && manifest.GetName() == name {
				into(s, manifest, object)
				object.SetNamespace(s.Namespace)
				return object
			}
		}
	}
	s.Fatalf("%s shows no %s %s", page, kind, name)
	return object
}

func into(s *scenario, manifest *unstructured.Unstructured, object client.Object) {
	s.Helper()
	must.Do(s, runtime.DefaultUnstructuredConverter.FromUnstructured(manifest.Object, object))
}

// TestACertificateForAnIngressOrGatewayIsRefused: with the annotations that the page shows cert-manager makes a
// Certificate for our issuer, with DNS names, and nothing is spent on it.
func TestACertificateForAnIngressOrGatewayIsRefused(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "annotations")
	sync := s.ingressShim()
	ingress := shown(s, ingressPage, "Ingress", "front", &networkingv1.Ingress{})
	gateway := shown(s, ingressPage, "Gateway", "front", &gatewayv1.Gateway{})
	// What the API server's defaults fill in.
	gateway.Spec.Listeners[0].TLS.CertificateRefs[0].Group = new(gatewayv1.Group(""))
	gateway.Spec.Listeners[0].TLS.CertificateRefs[0].Kind = new(gatewayv1.Kind("Secret"))
	for _, object := range []metav1.Object{ingress, gateway} {
		object.SetUID(uuid.NewUUID())
		must.Do(t, sync(t.Context(), object))
	}
	quoted := `spec.dnsNames: the request asks for 1 × DNS name ("front.example"), but the service certifies no subject ` +
		"alternative names; remove spec.dnsNames from the Certificate"
	if !strings.Contains(quotations(t, ingressPage), quoted) {
		t.Errorf("%s does not say %q", ingressPage, quoted)
	}
	for _, name := range []string{"front-tls", "front-gateway-tls"} {
		certificate := tenant.Get(s.Tenant, name, &cmapi.Certificate{})
		if certificate.Spec.CommonName != customerID || certificate.Spec.IssuerRef.Group != "varmenne.dev" {
			t.Errorf("Certificate %s is for %+v", name, certificate.Spec)
		}
		s.awaitSaying(name, cmapi.CertificateRequestConditionReady, cmapi.CertificateRequestReasonFailed, quoted)
	}
	if sent := s.submissions(); len(sent) > 0 {
		t.Errorf("the service was sent %+v", sent)
	}
}

// TestAnIngressMayNameTheSecretOfACertificate: cert-manager leaves that Certificate alone.
func TestAnIngressMayNameTheSecretOfACertificate(t *testing.T) {
	t.Parallel()
	s := beginScenario(t, "names-the-secret", "--processing-delay=1s")
	s.Create(s.Certificate())
	before := s.AwaitReady(certificateName)
	ingress := shown(s, ingressPage, "Ingress", "internal", &networkingv1.Ingress{})
	s.Create(ingress)
	must.Do(t, s.ingressShim()(t.Context(), ingress))
	if after := tenant.Get(s.Tenant, certificateName, &cmapi.Certificate{}); after.Generation != before.Generation {
		t.Errorf("the Certificate was changed: %+v", after.Spec)
	}
	list := &cmapi.CertificateList{}
	if err := s.Client.List(t.Context(), list, client.InNamespace(s.Namespace)); err != nil || len(list.Items) != 1 {
		t.Errorf("there are %d Certificates: %v", len(list.Items), err)
	}
}

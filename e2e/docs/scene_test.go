package docs

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customerID      = "0123456-7"
	certificateName = "tax-reporting"
	tlsSecretName   = "tax-reporting-tls"
	transferName    = "vero-transfer"
	issuerName      = "vero"

	// patience bounds every wait, glance is how often is looked.
	patience = 2 * time.Minute
	glance   = 250 * time.Millisecond
)

// scene is a namespace with the sample issuer, a certificate service of its own, and its transfer credentials.
type scene struct {
	*testing.T
	*world.World

	service   *world.Service
	namespace string
}

var scenes atomic.Int32

// beginScene makes everything that a first certificate needs but the Certificate.
func beginScene(t *testing.T, name string, service ...string) *scene {
	t.Helper()
	s := &scene{T: t, World: theWorld(t), namespace: fmt.Sprintf("%s-%d", name, scenes.Add(1))}
	s.startService(service...)
	trust, err := s.service.Trust(t.Context(), s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	issuer := sample(s, "issuer.yaml", &v1alpha1.VeroIssuer{})
	issuer.Spec.URL = s.service.URL
	s.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}, trust, issuer)
	s.create(s.credentials(s.mint()))
	return s
}

// startService starts the scene's certificate service.
func (s *scene) startService(arguments ...string) {
	s.Helper()
	var err error
	if s.service, err = s.StartService(s.Context(), arguments...); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := s.service.Process.Stop(); err != nil {
			s.Error(err)
		}
	})
}

// sample reads a manifest of the documentation into an object of the scene's namespace.
func sample[T client.Object](s *scene, file string, object T) T {
	s.Helper()
	content, err := os.ReadFile("../../docs/samples/" + file)
	if err != nil {
		s.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		s.Fatalf("%s: %v", file, err)
	}
	object.SetNamespace(s.namespace)
	return object
}

func (s *scene) certificate() *cmapi.Certificate {
	s.Helper()
	return sample(s, "certificate.yaml", &cmapi.Certificate{})
}

func (s *scene) mint() admin.Credential {
	s.Helper()
	sent, err := s.service.Mint(s.Context(), admin.MintRequest{CustomerID: customerID, CustomerName: "Esimerkki Oy"})
	if err != nil {
		s.Fatal(err)
	}
	return sent
}

func (s *scene) credentials(sent admin.Credential) *corev1.Secret {
	s.Helper()
	secret := sample(s, "transfer-credentials.yaml", &corev1.Secret{})
	secret.StringData = map[string]string{
		v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
	}
	return secret
}

func (s *scene) create(objects ...client.Object) {
	s.Helper()
	for _, object := range objects {
		if err := s.Client.Create(s.Context(), object); err != nil {
			s.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

// get reads an object of the scene's namespace.
func get[T client.Object](s *scene, name string, object T) T {
	s.Helper()
	if err := s.Client.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, object); err != nil {
		s.Fatal(err)
	}
	return object
}

// eventually waits until something holds.
func (s *scene) eventually(what string, holds func(context.Context) (bool, error)) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := wait.PollUntilContextCancel(ctx, glance, true, holds); err != nil {
		s.Fatalf("waited %s for %s: %v\n%s", patience, what, err, s.picture())
	}
}

// awaitReady waits until the Certificate is Ready.
func (s *scene) awaitReady() *cmapi.Certificate {
	s.Helper()
	certificate := &cmapi.Certificate{}
	s.eventually("a Certificate that is Ready", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: certificateName}, certificate)
		for _, condition := range certificate.Status.Conditions {
			if condition.Type == cmapi.CertificateConditionReady {
				return condition.Status == cmmeta.ConditionTrue, err
			}
		}
		return false, err
	})
	return certificate
}

// awaitOrder waits until an order is as it should be.
func (s *scene) awaitOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	s.Helper()
	var found *v1alpha1.VeroOrder
	s.eventually("a VeroOrder that is "+what, func(ctx context.Context) (bool, error) {
		for i, order := range s.orders(ctx) {
			if reached(&order) {
				found = &s.orders(ctx)[i]
				return true, nil
			}
		}
		return false, nil
	})
	return found
}

func (s *scene) orders(ctx context.Context) []v1alpha1.VeroOrder {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	if err := s.Client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

// requests are the CertificateRequests of the scene.
func (s *scene) requests(ctx context.Context) []cmapi.CertificateRequest {
	s.Helper()
	list := &cmapi.CertificateRequestList{}
	if err := s.Client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

// awaitIssuer waits until the issuer was found to be Ready.
func (s *scene) awaitIssuer() {
	s.Helper()
	issuer := &v1alpha1.VeroIssuer{}
	s.eventually("an issuer that is Ready", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: issuerName}, issuer)
		return meta.IsStatusConditionTrue(issuer.Status.Conditions, v1alpha1.ConditionReady), err
	})
}

// submissions is what the service was sent to make certificates, in order.
func (s *scene) submissions() []admin.Request {
	s.Helper()
	asked, err := s.service.Requests(s.Context(), "", "")
	if err != nil {
		s.Fatal(err)
	}
	var submissions []admin.Request
	for _, request := range asked {
		if request.Operation != "GetCertificate" {
			submissions = append(submissions, request)
		}
	}
	return submissions
}

// picture is what a reader wants to see of a scene that came to nothing.
func (s *scene) picture() string {
	ctx, text := context.WithoutCancel(s.Context()), &strings.Builder{}
	for _, list := range []client.ObjectList{
		&cmapi.CertificateList{}, &cmapi.CertificateRequestList{}, &v1alpha1.VeroIssuerList{}, &v1alpha1.VeroOrderList{},
	} {
		if err := s.Client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
			fmt.Fprintln(text, err)
			continue
		}
		content, err := yaml.Marshal(list)
		fmt.Fprintf(text, "--- %T %v\n%s", list, err, content)
	}
	for _, submission := range s.submissions() {
		fmt.Fprintf(text, "the service was sent: %+v\n", submission)
	}
	return text.String()
}

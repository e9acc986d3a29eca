package misbehaviour

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names and values of the samples, with which the stories begin.
const (
	samples         = "../../docs/samples"
	certificateName = "tax-reporting"
	issuerName      = "vero"
	transferName    = "vero-transfer"
	trustName       = "vero-trust"
	customerID      = "0123456-7"
)

// story is a row that is played, in a namespace and with a certificate service of its own.
type story struct {
	*testing.T
	*stage

	// service is the simulator that the story's issuer uses.
	service   *world.Service
	namespace string
	// heard is how much of the diary was found so far: what is told comes in an order.
	heard int
}

// began counts the stories: their namespaces.
var began atomic.Int32

// begin starts a story. The service gets the arguments that the story gives it.
func begin(t *testing.T, service ...string) *story {
	t.Helper()
	stage, err := theStage()
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, stage: stage, namespace: fmt.Sprintf("row-%d", began.Add(1))}
	t.Logf("namespace %s", s.namespace)
	if s.service, err = stage.StartService(t.Context(), service...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	s.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})
	return s
}

// end leaves nothing that goes on without the service.
func (s *story) end() {
	ctx := context.WithoutCancel(s.Context())
	for _, kind := range []client.Object{
		&cmapi.Certificate{}, &cmapi.CertificateRequest{}, &v1alpha1.VeroOrder{}, &v1alpha1.VeroIssuer{},
	} {
		if err := s.Client.DeleteAllOf(ctx, kind, client.InNamespace(s.namespace)); err != nil {
			s.Error(err)
		}
	}
	if err := s.service.Process.Stop(); err != nil {
		s.Error(err)
	}
}

// on is the story in a test within its own.
func (s *story) on(t *testing.T) *story {
	t.Helper()
	copied := *s
	copied.T = t
	return &copied
}

// sample reads a manifest of the documentation into an object of the story's namespace.
func sample[T client.Object](s *story, file string, object T) T {
	s.Helper()
	content, err := os.ReadFile(filepath.Join(samples, file))
	if err != nil {
		s.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		s.Fatalf("%s: %v", file, err)
	}
	object.SetNamespace(s.namespace)
	return object
}

// certificate is the sample Certificate.
func (s *story) certificate() *cmapi.Certificate {
	s.Helper()
	certificate := sample(s, "certificate.yaml", &cmapi.Certificate{})
	// On a busy machine cert-manager may ask once more right after it was served; the request that is looked at stays.
	certificate.Spec.RevisionHistoryLimit = new(int32(10))
	return certificate
}

// issuer is the sample issuer, for the story's service.
func (s *story) issuer() *v1alpha1.VeroIssuer {
	s.Helper()
	issuer := sample(s, "issuer.yaml", &v1alpha1.VeroIssuer{})
	issuer.Spec.URL = s.service.URL
	return issuer
}

// trust is the ConfigMap that the sample issuer names, with the bundles of the story's service.
func (s *story) trust() *corev1.ConfigMap {
	s.Helper()
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: trustName}, Data: s.bundles(s.service),
	}
}

func (s *story) bundles(service *world.Service) map[string]string {
	s.Helper()
	bundles, err := service.Bundles(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return bundles
}

// credentials is a Secret with transfer credentials that the service has just sent.
func (s *story) credentials(name string) *corev1.Secret {
	s.Helper()
	sent, err := s.service.Mint(s.Context(), admin.MintRequest{CustomerID: customerID})
	if err != nil {
		s.Fatal(err)
	}
	s.KeepSecret(sent.TransferPassword, "the password of TransferId "+sent.TransferID)
	secret := sample(s, "transfer-credentials.yaml", &corev1.Secret{})
	secret.Name = name
	secret.StringData = map[string]string{
		v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
	}
	return secret
}

// exchangeCredentials puts new credentials into the Secret that the issuer names.
func (s *story) exchangeCredentials() {
	s.Helper()
	fresh := s.credentials(transferName)
	edit(s, fresh.DeepCopy(), func(secret *corev1.Secret) { secret.StringData = fresh.StringData })
}

// settle creates all that a Certificate needs but itself, and waits for the issuer.
func (s *story) settle(issuer *v1alpha1.VeroIssuer) {
	s.Helper()
	s.create(s.trust(), issuer, s.credentials(transferName))
	s.awaitIssuer()
}

// script lets the service misbehave.
func (s *story) script(fault admin.Fault) {
	s.Helper()
	if _, err := s.service.Script(s.Context(), fault); err != nil {
		s.Fatal(err)
	}
}

// behave ends what was scripted.
func (s *story) behave() {
	s.Helper()
	if err := s.service.ClearFaults(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// create creates objects as the administrator.
func (s *story) create(objects ...client.Object) {
	s.Helper()
	for _, object := range objects {
		if err := s.Client.Create(s.Context(), object); err != nil {
			s.Fatalf("creating %T %s: %v", object, object.GetName(), err)
		}
	}
}

// remove deletes objects as the administrator.
func (s *story) remove(objects ...client.Object) {
	s.Helper()
	for _, object := range objects {
		if err := s.Client.Delete(s.Context(), object); err != nil {
			s.Fatalf("deleting %T %s: %v", object, object.GetName(), err)
		}
	}
}

// edit changes an object as `kubectl edit` does, and leaves it as the API server has it.
func edit[T client.Object](s *story, object T, change func(T)) {
	s.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := s.Client.Get(s.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return s.Client.Update(s.Context(), object)
	})
	if err != nil {
		s.Fatalf("editing %T %s: %v", object, object.GetName(), err)
	}
}

// editIssuer changes the story's issuer.
func (s *story) editIssuer(change func(*v1alpha1.VeroIssuer)) {
	s.Helper()
	edit(s, &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: issuerName}}, change)
}

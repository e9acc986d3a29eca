package stories

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	customerName    = "Esimerkki Oy"
)

// Keys of the ConfigMap with the bundles, as the sample issuer names them.
const (
	keyTLS       = "tls.pem"
	keyResponses = "responses.pem"
	keyIssuance  = "issuance.pem"
)

// story is a test with a namespace and a certificate service of its own.
type story struct {
	*testing.T
	*stage

	// service is the simulator that the story's issuer uses.
	service   *world.Service
	namespace string
}

// began counts the stories, so that each has a namespace, also when it is run again.
var began atomic.Int32

// begin starts a story. The service gets the arguments that the story gives it.
func begin(t *testing.T, service ...string) *story {
	t.Helper()
	stage, err := theStage()
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, stage: stage, namespace: namespaceFor(t.Name())}
	if s.service, err = stage.StartService(t.Context(), service...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	s.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})
	return s
}

var (
	camel       = regexp.MustCompile(`([a-zA-Z0-9])([A-Z][a-z])`)
	nonAlphabet = regexp.MustCompile(`[^a-z0-9]+`)
)

// namespaceFor tells in logs which story something belongs to.
func namespaceFor(test string) string {
	const longest = 50
	name := strings.TrimPrefix(test, "Test")
	name = nonAlphabet.ReplaceAllString(strings.ToLower(camel.ReplaceAllString(name, "$1-$2")), "-")
	return fmt.Sprintf("%s-%d", strings.Trim(name[:min(len(name), longest)], "-"), began.Add(1))
}

// end keeps what the service was asked, for the closing checks, and stops it.
func (s *story) end() {
	asked, err := s.service.Requests(context.WithoutCancel(s.Context()), "", "")
	if err != nil {
		s.Errorf("reading what the service was asked: %v", err)
	}
	s.remember(asked)
	if err := s.service.Process.Stop(); err != nil {
		s.Error(err)
	}
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
	certificate.Spec.RevisionHistoryLimit = new(keptRequests)
	return certificate
}

// keptRequests is how many of its requests a Certificate keeps. On a busy machine cert-manager may see its own Secret
// late, ask once more right after it was served, and with its default remove the request that the story is about.
const keptRequests int32 = 10

// issuer is the sample issuer, for the story's service.
func (s *story) issuer() *v1alpha1.VeroIssuer {
	s.Helper()
	issuer := sample(s, "issuer.yaml", &v1alpha1.VeroIssuer{})
	issuer.Spec.URL = s.service.URL
	return issuer
}

// credentials is the sample Secret with what the service has sent.
func (s *story) credentials(sent admin.Credential) *corev1.Secret {
	s.Helper()
	secret := sample(s, "transfer-credentials.yaml", &corev1.Secret{})
	s.KeepSecret(sent.TransferPassword, "the password of TransferId "+sent.TransferID)
	secret.StringData = map[string]string{
		v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
	}
	return secret
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

// mint lets the service send transfer credentials.
func (s *story) mint() admin.Credential {
	s.Helper()
	return s.mintAs(admin.MintRequest{CustomerID: customerID, CustomerName: customerName})
}

func (s *story) mintAs(wanted admin.MintRequest) admin.Credential {
	s.Helper()
	sent, err := s.service.Mint(s.Context(), wanted)
	if err != nil {
		s.Fatal(err)
	}
	return sent
}

// mistyped are the credentials with a password that somebody has mistyped.
func mistyped(sent admin.Credential) admin.Credential {
	sent.TransferPassword = "mistyped-" + sent.TransferPassword[:7]
	return sent
}

// script lets the service misbehave.
func (s *story) script(fault admin.Fault) {
	s.Helper()
	if _, err := s.service.Script(s.Context(), fault); err != nil {
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

// replaceCredentials puts other credentials into the Secret that the issuer names.
func (s *story) replaceCredentials(sent admin.Credential) {
	s.Helper()
	wanted := s.credentials(sent)
	edit(s, wanted, func(secret *corev1.Secret) {
		secret.StringData = map[string]string{
			v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
		}
	})
}

// asked lists what the service was asked, of one operation.
func (s *story) asked(operation string) []admin.Request {
	s.Helper()
	requests, err := s.service.Requests(s.Context(), operation, "")
	if err != nil {
		s.Fatal(err)
	}
	return requests
}

// submissions lists the SignNewCertificate that the service has received, polls the GetCertificate.
func (s *story) submissions() []admin.Request { s.Helper(); return s.asked("SignNewCertificate") }

func (s *story) polls() []admin.Request { s.Helper(); return s.asked("GetCertificate") }

// spentOnce fails the story unless the service has accepted one request, and heard of no other one.
func (s *story) spentOnce() admin.Request {
	s.Helper()
	submissions := s.submissions()
	if len(submissions) != 1 || !submissions[0].Accepted {
		s.Fatalf("the service was sent %d SignNewCertificate, want one that it accepted: %+v", len(submissions), submissions)
	}
	return submissions[0]
}

// accepted lists the submissions that have cost credentials.
func (s *story) accepted() []admin.Request {
	s.Helper()
	var accepted []admin.Request
	for _, submission := range s.submissions() {
		if submission.Accepted {
			accepted = append(accepted, submission)
		}
	}
	return accepted
}

// spentNothing fails the story if anything was sent to the service.
func (s *story) spentNothing() {
	s.Helper()
	if asked := s.asked(""); len(asked) > 0 {
		s.Fatalf("the service was asked, want nothing sent: %+v", asked)
	}
}

// orders lists the VeroOrders of the story.
func (s *story) orders() []v1alpha1.VeroOrder {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	if err := s.Client.List(s.Context(), list, client.InNamespace(s.namespace)); err != nil {
		s.Fatal(err)
	}
	return list.Items
}

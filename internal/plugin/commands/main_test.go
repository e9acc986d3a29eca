package commands_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

var server *apitest.Server

func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }

// call is one call of the plugin.
type call struct {
	stdin    string
	typed    []string        // at the terminal; nil for none
	handed   map[uint]string // by file descriptor
	out, err *bytes.Buffer   // of the last run
	context  func() context.Context
	writer   io.Writer // in the place of out
}

// Ask and AskHidden answer as somebody types.
func (c *call) Ask(string) (string, error) {
	if len(c.typed) == 0 {
		return "", io.EOF
	}
	answer := c.typed[0]
	c.typed = c.typed[1:]
	return answer, nil
}

func (c *call) AskHidden(prompt string) (string, error) { return c.Ask(prompt) }

// run runs the plugin as an administrator, unless the arguments say as whom.
func (c *call) run(t *testing.T, arguments ...string) error {
	t.Helper()
	c.out, c.err = &bytes.Buffer{}, &bytes.Buffer{}
	options := commands.Options{
		Streams: genericiooptions.IOStreams{In: strings.NewReader(c.stdin), Out: c.out, ErrOut: c.err},
		Clock:   clock.RealClock{}, Version: "v1.2.3", Commit: "c0ffee",
		Descriptor: func(number uint) io.ReadCloser { return io.NopCloser(strings.NewReader(c.handed[number])) },
	}
	if c.writer != nil {
		options.Streams.Out = c.writer
	}
	if c.typed != nil {
		options.Terminal = c
	}
	ctx := t.Context()
	if c.context != nil {
		ctx = c.context()
	}
	root := commands.New(options)
	root.SetArgs(append([]string{"--kubeconfig", kubeconfig(t)}, arguments...))
	return root.ExecuteContext(ctx)
}

// kubeconfig is a file with an administrator's access.
func kubeconfig(t testing.TB) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{
		Server: server.Config.Host, CertificateAuthorityData: server.Config.CAData}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: server.Config.CertData, ClientKeyData: server.Config.KeyData, Token: server.Config.BearerToken}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.AuthInfos["none"] = &clientcmdapi.AuthInfo{Token: "none"}
	config.CurrentContext = "test"
	path := filepath.Join(t.TempDir(), "config")
	must.Do(t, clientcmd.WriteToFile(*config, path))
	return path
}

// says runs the plugin, which must go well, and returns what it prints.
func says(t *testing.T, arguments ...string) string {
	t.Helper()
	c := &call{}
	if err := c.run(t, arguments...); err != nil {
		t.Fatalf("%q: %v\n%s", arguments, err, c.err)
	}
	return c.out.String()
}

// create makes objects with their status.
func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		wanted := object.DeepCopyObject().(client.Object)
		must.Do(t, server.Client.Create(t.Context(), object))
		wanted.SetUID(object.GetUID())
		wanted.SetResourceVersion(object.GetResourceVersion())
		if err := server.Client.Status().Update(t.Context(), wanted); !errors.Is(client.IgnoreNotFound(err), nil) {
			t.Fatal(err)
		}
		must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object))
	}
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func ready(holds metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: "Ready", Status: holds, Reason: reason, Message: message, ObservedGeneration: 1,
		LastTransitionTime: metav1.Now()}}
}

func certificate(namespace, name, kind string) *cmapi.Certificate {
	c := &cmapi.Certificate{ObjectMeta: meta(namespace, name)}
	c.Spec = cmapi.CertificateSpec{SecretName: name, CommonName: name, IssuerRef: cmmeta.IssuerReference{
		Group: "varmenne.dev", Kind: kind, Name: "issuer"}}
	c.Status.Conditions = []cmapi.CertificateCondition{
		{Type: "Ready", Status: "False", Reason: "DoesNotExist", Message: "Issuing certificate as Secret does not exist"},
		{Type: "Issuing", Status: "True", Reason: "DoesNotExist"}}
	return c
}

// requestOf is an approved request of a Certificate that exists.
func requestOf(t testing.TB, c *cmapi.Certificate, message string) *cmapi.CertificateRequest {
	t.Helper()
	r := &cmapi.CertificateRequest{ObjectMeta: meta(c.Namespace, c.Name+"-1")}
	r.OwnerReferences = []metav1.OwnerReference{{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: c.Name,
		UID: c.UID, Controller: new(true)}}
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: c.Name, Country: []string{"FI"}}}, pkitest.Key(c.Name)))(t)
	r.Spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	r.Spec.IssuerRef, r.Spec.Usages = c.Spec.IssuerRef, []cmapi.KeyUsage{cmapi.UsageClientAuth}
	r.Status.Conditions = []cmapi.CertificateRequestCondition{{Type: "Approved", Status: "True", Reason: "test"},
		{Type: "Ready", Status: "False", Reason: "Pending", Message: message}}
	return r
}

// manual is a Certificate that a person fetches, up to its order, and the authority.
type manual struct {
	order     *v1alpha1.ManualOrder
	authority *pkitest.Authority
}

func manualIn(t *testing.T, namespace, name string) *manual {
	t.Helper()
	m := &manual{authority: pkitest.Root(t, "Example Root")}
	c := certificate(namespace, name, "ManualIssuer")
	create(t, c, &v1alpha1.ManualIssuer{ObjectMeta: meta(namespace, "issuer"),
		Spec:   v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(m.authority.Certificate)}},
		Status: v1alpha1.ManualIssuerStatus{Conditions: ready("True", "Checked", "")}})
	request := requestOf(t, c, "ManualOrder manual-1: carry the request")
	create(t, request)
	parsed := must.Get(pki.ParseCertificateRequest(request.Spec.Request))(t)
	m.order = &v1alpha1.ManualOrder{ObjectMeta: meta(namespace, "manual-1"), Spec: v1alpha1.ManualOrderSpec{
		IssuerRef: v1alpha1.ManualIssuerReference{Kind: "ManualIssuer", Name: "issuer"}, Request: request.Spec.Request,
		PublicKeyDigest: must.Get(pki.PublicKeyDigest(parsed.PublicKey))(t),
	}, Status: v1alpha1.ManualOrderStatus{State: "AwaitingApplication",
		Conditions: append(ready("False", "ApplicationDue", "carry the request to the authority"), metav1.Condition{
			Type: "PersonDue", Status: "True", Reason: "ApplicationDue", LastTransitionTime: metav1.Now()})}}
	m.order.Annotations = map[string]string{cmapi.CertificateNameKey: name}
	create(t, m.order)
	return m
}

// issue is what the authority sends for the order's key.
func (m *manual) issue(t *testing.T, name string, changes ...pkitest.Modifier) []byte {
	t.Helper()
	changes = append([]pkitest.Modifier{func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}, pkitest.Dates(time.Now().Add(-time.Hour), time.Now().AddDate(2, 0, 0))}, changes...)
	return pkitest.PEM(m.authority.Issue(t, pkitest.Key(name), name, changes...))
}

// now is the order as it is.
func (m *manual) now(t *testing.T) *v1alpha1.ManualOrder {
	t.Helper()
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(m.order), m.order))
	return m.order
}

// veroIn is a Certificate of the certificate service whose order has lost its RetrievalId.
func veroIn(t *testing.T, namespace, name string) *v1alpha1.VeroOrder {
	t.Helper()
	c := certificate(namespace, name, "VeroIssuer")
	bundle := v1alpha1.BundleSource{CABundle: pkitest.PEM(pkitest.Root(t, "Vero").Certificate)}
	create(t, c, &v1alpha1.VeroIssuer{ObjectMeta: meta(namespace, "issuer"), Spec: v1alpha1.VeroIssuerSpec{
		Environment: "TEST", CustomerID: "0123456-7", Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle},
		TransferSecretRef: &v1alpha1.TransferSecretReference{Name: "vero-transfer"}},
		Status: v1alpha1.VeroIssuerStatus{Conditions: ready("True", "Checked", "")}})
	request := requestOf(t, c, "the response was lost: order new transfer credentials")
	create(t, request)
	digest := strings.Repeat("ab", 32)
	order := &v1alpha1.VeroOrder{ObjectMeta: meta(namespace, "vero-1"), Spec: v1alpha1.VeroOrderSpec{
		IssuerRef: v1alpha1.OrderIssuerReference{Kind: "VeroIssuer", Name: "issuer", UID: "1"}, Attempt: 1,
		Operation: "SignNewCertificate", Environment: "TEST", CustomerID: "0123456-7", RequestUID: request.UID,
		Request: request.Spec.Request, PublicKeyDigest: digest, Transfer: &v1alpha1.TransferAuthorization{
			SecretName: "vero-transfer", TransferIDDigest: secrets.Transfer{ID: "lost"}.IDDigest()},
	}, Status: v1alpha1.VeroOrderStatus{State: "Failed", Conditions: ready("False", "ResponseLost", "it was lost")}}
	order.Annotations = map[string]string{cmapi.CertificateNameKey: name}
	create(t, order)
	return order
}

package samples_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/go-logr/logr/funcr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/app"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/samples"
)

const issuer = `
apiVersion: varmenne.dev/v1alpha1
kind: VeroIssuer
metadata: {name: sample}
spec:
  environment: TEST
  customerID: 0123456-7
  transferSecretRef: {name: sample-transfer}
  trust:
    tls: {configMapKeyRef: {name: sample-trust, key: tls.pem}}
    responses: {configMapKeyRef: {name: sample-trust, key: responses.pem}}
    issuance: {configMapKeyRef: {name: sample-issuance}}
`

const certificate = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: sample}
spec:
  secretName: sample-tls
  commonName: 0123456-7
  issuerRef: {group: varmenne.dev, kind: VeroIssuer, name: sample}
`

const messagesPassword = `
apiVersion: varmenne.dev/v1alpha1
kind: MessagesPassword
metadata: {name: sample}
spec:
  url: https://localhost:8443
  tls: {configMapKeyRef: {name: sample-trust, key: tls.pem}}
  secretRef: {name: sample-messages}
`

// owner is the Deployment of the tests.
const owner = "simulator"

func TestARehearsalProvidesWhatItsSamplesNeed(t *testing.T) {
	namespace := server.Namespace(t)
	rehearse := start(t, options(t, namespace, issuer, certificate, messagesPassword))
	// The Deployment comes later than the simulator's first try, as kinds may.
	await(t, func() bool { return strings.Contains(rehearse.log(), "Deployment "+namespace+"/"+owner) })
	deployment := deploy(t, namespace)
	await(t, func() bool { return strings.Contains(rehearse.log(), "The samples are applied") })

	trust, issuance := &corev1.ConfigMap{}, &corev1.ConfigMap{}
	credentials, messages, request := &corev1.Secret{}, &corev1.Secret{}, &cmapi.Certificate{}
	for name, object := range map[string]client.Object{
		"sample-trust": trust, "sample-issuance": issuance, "sample-transfer": credentials, "sample": request,
		"sample-messages": messages,
	} {
		must.Do(t, server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object))
		if owners := object.GetOwnerReferences(); len(owners) != 1 || owners[0].UID != deployment.UID {
			t.Errorf("%s is owned by %v", name, owners)
		}
	}
	for _, bundle := range []string{trust.Data["tls.pem"], trust.Data["responses.pem"], issuance.Data["ca.crt"]} {
		if found, err := pki.ParseBundle([]byte(bundle)); err != nil || len(found.Certificates) == 0 {
			t.Errorf("bundle %q, error %v", bundle, err)
		}
	}
	first := string(messages.Data[v1alpha1.KeyPassword])
	verdict := must.Get(rehearse.simulator.VerifyMessagesPassword(t.Context(), "sample", first))(t)
	if !verdict.Current || string(messages.Data[v1alpha1.KeyUsername]) != "sample" {
		t.Errorf("the simulator does not take the first password, of username %q", messages.Data[v1alpha1.KeyUsername])
	}
	id, password := string(credentials.Data["transferId"]), string(credentials.Data["transferPassword"])
	log := rehearse.log()
	if id == "" || password == "" || strings.Contains(log, password) || strings.Contains(log, first) {
		t.Errorf("credentials %q, log %s", id, rehearse.log())
	}
}

func TestSamplesThatCannotBeProvidedForSayWhatIsWrong(t *testing.T) {
	inline := strings.ReplaceAll(issuer, "responses: {configMapKeyRef: {name: sample-trust, key: responses.pem}}",
		"responses: {caBundle: YQ==}")
	bare := strings.ReplaceAll(issuer, "transferSecretRef: {name: sample-transfer}", "")
	for claim, test := range map[string]struct {
		samples []string
		want    string
	}{
		"no issuer":        {[]string{certificate}, "have no VeroIssuer"},
		"two issuers":      {[]string{issuer, issuer}, "two VeroIssuers, sample and sample"},
		"trust of its own": {[]string{inline}, "spec.trust.responses must be a configMapKeyRef"},
		"no credentials":   {[]string{bare}, "spec.transferSecretRef"},
		"two passwords": {
			[]string{issuer, messagesPassword, messagesPassword}, "two MessagesPasswords, sample and sample"},
		"trust of its own for Messages": {
			[]string{issuer, strings.ReplaceAll(messagesPassword, "tls.pem", "other.pem")}, "spec.tls must be"},
		"no YAML":             {[]string{"kind: [\n"}, "read the sample"},
		"an object of nobody": {[]string{issuer, "apiVersion: a.example/v1\nkind: Nothing\nmetadata: {name: a}"}, "Nothing"},
	} {
		t.Run(claim, func(t *testing.T) {
			namespace := server.Namespace(t)
			deploy(t, namespace)
			rehearse := start(t, options(t, namespace, test.samples...))
			await(t, func() bool { return strings.Contains(rehearse.log(), test.want) })
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	directory := t.TempDir()
	for claim, test := range map[string]struct {
		options samples.Options
		valid   bool
	}{
		"none at all":                   {samples.Options{}, true},
		"a directory and a namespace":   {samples.Options{Directory: directory, Namespace: "a"}, true},
		"no namespace":                  {samples.Options{Directory: directory}, false},
		"no directory":                  {samples.Options{Namespace: "a"}, false},
		"a directory that is not there": {samples.Options{Directory: directory + "/none", Namespace: "a"}, false},
	} {
		if err := test.options.Validate(); (err == nil) != test.valid {
			t.Errorf("%s: error %v", claim, err)
		}
	}
}

// deploy makes the Deployment that owns the samples.
func deploy(t *testing.T, namespace string) *appsv1.Deployment {
	t.Helper()
	labels := map[string]string{"app": owner}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: owner},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: owner, Image: owner}}},
			},
		},
	}
	server.Create(t, deployment)
	return deployment
}

// options have the samples in a directory, and the rights that the chart gives.
func options(t *testing.T, namespace string, manifests ...string) samples.Options {
	t.Helper()
	directory := t.TempDir()
	content := []byte(strings.Join(manifests, "\n---\n"))
	must.Do(t, os.WriteFile(filepath.Join(directory, "samples.yaml"), content, 0o600))
	user := "simulator-of-" + namespace
	server.Create(t,
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: owner}, Rules: []rbacv1.PolicyRule{
			allow("apps", "deployments", "get", owner),
			allow("", "configmaps", "create"), allow("", "configmaps", "patch", "sample-trust", "sample-issuance"),
			allow("", "secrets", "create"), allow("", "secrets", "patch", "sample-transfer", "sample-messages"),
			allow(v1alpha1.GroupName, "messagespasswords", "create"), allow(v1alpha1.GroupName, "messagespasswords", "patch"),
			allow(v1alpha1.GroupName, "veroissuers", "create"), allow(v1alpha1.GroupName, "veroissuers", "patch"),
			allow("cert-manager.io", "certificates", "create"), allow("cert-manager.io", "certificates", "patch"),
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: owner},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: owner},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: user}},
		})
	return samples.Options{Directory: directory, Namespace: namespace, Owner: owner, Kubeconfig: kubeconfig(t, user)}
}

func allow(group, resource, verb string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{
		APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: names,
	}
}

// kubeconfig writes a file that acts as a user who has no rights but those that a test grants.
func kubeconfig(t *testing.T, user string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["server"] = &clientcmdapi.Cluster{
		Server: server.Config.Host, CertificateAuthorityData: server.Config.CAData,
	}
	config.AuthInfos["user"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: server.Config.CertData, ClientKeyData: server.Config.KeyData, Impersonate: user,
	}
	config.Contexts["context"] = &clientcmdapi.Context{Cluster: "server", AuthInfo: "user"}
	config.CurrentContext = "context"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must.Do(t, clientcmd.WriteToFile(*config, file))
	return file
}

// running is a rehearsal beside its simulator.
type running struct {
	lines chan string
	text  strings.Builder
	// simulator is there once anything was logged.
	simulator *admin.Client
}

// start runs a simulator and a rehearsal until the test ends.
func start(t *testing.T, applied samples.Options) *running {
	t.Helper()
	cluster := must.Get(app.Client(applied.Kubeconfig))(t)
	r := &running{lines: make(chan string, 100)}
	log := funcr.New(func(_, arguments string) { r.lines <- arguments }, funcr.Options{})
	options := simulator.DefaultOptions()
	options.Address, options.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	options.Started = func(ctx context.Context, info admin.Info) {
		r.simulator = admin.NewClient(info.AdminURL)
		samples.Run(ctx, applied, cluster, info, log)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- simulator.Run(ctx, options) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

// log is all that was logged so far.
func (r *running) log() string {
	for {
		select {
		case line := <-r.lines:
			r.text.WriteString(line + "\n")
		default:
			return r.text.String()
		}
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	condition := func(context.Context) (bool, error) { return done(), nil }
	must.Do(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 2*time.Minute, true, condition))
}

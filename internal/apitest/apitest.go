// Package apitest runs the tests of a package against a real kube-apiserver that knows cert-manager's custom resources
// and ours. It needs the programs that `make assets` builds; `make integration` says where they are. Without them it
// skips the tests, or fails if RequireVariable demands it.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
)

// RequireVariable makes tests fail, instead of being skipped, where nothing says which API server they run with.
const RequireVariable = "VARMENNE_REQUIRE_ENVTEST"

// assetsVariable is envtest's own: the directory of kube-apiserver and etcd.
const assetsVariable = "KUBEBUILDER_ASSETS"

// startTimeout bounds every step of starting and stopping. It is far above what a busy machine needs.
const startTimeout = 2 * time.Minute

// Server is a running kube-apiserver with an etcd of its own.
type Server struct {
	// Config is an administrator's access.
	Config *rest.Config
	// Client works with it, without a cache.
	Client client.Client
	// Outlines reads with it what a manager's cache would keep.
	Outlines client.Client
}

// Main runs the tests of a package with a server, which they find in *server, and returns their exit code:
//
//	var server *apitest.Server
//
//	func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }
func Main(m *testing.M, server **Server) int {
	if os.Getenv(assetsVariable) == "" && os.Getenv(RequireVariable) == "" {
		return skipAll()
	}
	environment, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "start an API server: %v; `make integration` runs these tests\n", err)
		return 1
	}
	code := 1
	if *server, err = connect(environment.Config); err == nil {
		code = m.Run()
	}
	if err = errors.Join(err, environment.Stop()); err != nil {
		fmt.Fprintf(os.Stderr, "API server: %v\n", err)
		return 1
	}
	return code
}

// skipAll runs none of the tests, and says so as Go's own runner does, for `go test` to repeat. That runner is not
// asked: it would have the result cached without the variables, which were read before it.
func skipAll() int {
	fmt.Fprintln(os.Stderr, "skipped: these tests need kube-apiserver and etcd; `make integration` builds and runs them")
	fmt.Println("testing: warning: no tests to run\nPASS") //nolint:forbidigo // as testing does
	return 0
}

func start() (*envtest.Environment, error) {
	if os.Getenv(assetsVariable) == "" {
		return nil, errors.New(assetsVariable + " does not say where kube-apiserver and etcd are")
	}
	ours, err := moduleDirectory("github.com/varmenne/varmenne-issuer")
	if err != nil {
		return nil, err
	}
	certManager, err := moduleDirectory("github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  startTimeout,
		CRDInstallOptions:        envtest.CRDInstallOptions{MaxTime: startTimeout},
		ErrorIfCRDPathMissing:    true,
		CRDDirectoryPaths: []string{
			filepath.Join(ours, "charts", "varmenne-issuer", "files", "crds"),
			filepath.Join(certManager, "deploy", "crds"),
		},
	}
	if _, err := environment.Start(); err != nil {
		return nil, errors.Join(err, environment.Stop())
	}
	return environment, nil
}

// moduleDirectory is where the sources of a module are, in the version that this one requires.
func moduleDirectory(module string) (string, error) {
	output, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", module, err)
	}
	return strings.TrimSpace(string(output)), nil
}

func connect(config *rest.Config) (*Server, error) {
	kinds, err := Scheme()
	if err != nil {
		return nil, err
	}
	access, err := client.New(config, client.Options{Scheme: kinds})
	if err != nil {
		return nil, err
	}
	outlines, err := client.New(config, client.Options{Scheme: outline.Scheme()})
	if err != nil {
		return nil, err
	}
	return &Server{Config: config, Client: access, Outlines: outlines}, nil
}

// Scheme knows the kinds of Kubernetes, of cert-manager and ours.
func Scheme() (*runtime.Scheme, error) {
	kinds := runtime.NewScheme()
	return kinds, errors.Join(scheme.AddToScheme(kinds), cmapi.AddToScheme(kinds), v1alpha1.AddToScheme(kinds))
}

// As is a client with the rights of a user, who has none but those that the test grants.
func (s *Server) As(t *testing.T, user string) client.Client {
	t.Helper()
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	access, err := client.New(config, client.Options{Scheme: s.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return access
}

// Namespace makes a namespace for a test.
func (s *Server) Namespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := s.Client.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// Create makes objects, in the order given. One with a status gets it, too.
func (s *Server) Create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		wanted, ok := object.DeepCopyObject().(client.Object)
		if !ok {
			t.Fatalf("a copy of %T is no object", object)
		}
		if err := s.Client.Create(t.Context(), object); err != nil {
			t.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
		switch object.(type) {
		case *cmapi.Certificate, *cmapi.CertificateRequest, v1alpha1.GenericVeroIssuer, *v1alpha1.VeroOrder:
			wanted.SetUID(object.GetUID())
			wanted.SetName(object.GetName())
			wanted.SetResourceVersion(object.GetResourceVersion())
			if err := s.Client.Status().Update(t.Context(), wanted); err != nil {
				t.Fatalf("write the status of %T %s: %v", object, object.GetName(), err)
			}
			if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
				t.Fatal(err)
			}
		}
	}
}

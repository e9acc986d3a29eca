package stories

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Variables of the environment by which the stories run on a cluster that is there already: kind, k3d, any other.
const (
	// kubeconfigVariable is the path of a kubeconfig; its current context is an administrator of the cluster.
	kubeconfigVariable = "VARMENNE_KUBECONFIG"
	// imageVariable is the image of the product, repository:tag, as the cluster pulls it or has it loaded. The tag is the
	// version that the program says of itself, as it is in what `make image` makes.
	imageVariable = "VARMENNE_IMAGE"
	// previousImageVariable is the image to upgrade from. Default: that of imageVariable.
	previousImageVariable = "VARMENNE_PREVIOUS_IMAGE"
)

// provider is where the cluster of the stories comes from. It is a machine, too, where that is within reach.
type provider interface {
	// Kubeconfig is the path of an administrator's kubeconfig.
	Kubeconfig() string
	// Kubectl is the path of kubectl.
	Kubectl() string
	// Dir is a directory with the packed charts and with helm, for what the stories write.
	Dir() string
	// image is the image of a version of the product.
	image(version string) string
	// imageValues are the chart's values that name this image: none where the chart's default does.
	imageValues(version string) values
	// provideCertManager returns when cert-manager is in the cluster.
	provideCertManager(ctx context.Context, p *platform) error
}

// machine is what the cluster runs on, for somebody with root on it.
type machine interface {
	// AuditLog is the path of the API server's log of requests.
	AuditLog() string
	// programs are the processes of the product in a Pod.
	programs(t *testing.T, pod corev1.Pod) []program
}

// onMachine returns what the cluster runs on. Where it is out of reach the test is skipped: what says what it needs.
func (p *platform) onMachine(t *testing.T, what string) machine {
	t.Helper()
	found, within := p.provider.(machine)
	if !within {
		t.Skipf("needs %s: the node that e2e/node builds gives that, the cluster of %s does not", what, kubeconfigVariable)
	}
	return found
}

// withRegistry is a provider whose cluster can pull from a registry that a test starts.
type withRegistry interface {
	// publish publishes the current version as `make publish` does.
	publish(t *testing.T) source
}

// published is the current version as it is published, or as the repository has it where there is no registry.
func (p *platform) published(t *testing.T) source {
	t.Helper()
	if at, within := p.provider.(withRegistry); within {
		return at.publish(t)
	}
	return p.packed(currentVersion(t))
}

// foreign provides a cluster that somebody else has made.
type foreign struct {
	dir, kubeconfig, kubectl, current, previous string
}

// mainOnForeign runs the tests on the cluster of a kubeconfig.
func mainOnForeign(m *testing.M, kubeconfig string) int {
	found, err := newForeign(context.Background(), kubeconfig)
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAIL: preparing for the cluster of %s: %v\n", kubeconfigVariable, err)
		return 1
	}
	provide = func(*testing.T) provider { return found }
	code := m.Run()
	if err := os.RemoveAll(found.dir); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	return code
}

func newForeign(ctx context.Context, kubeconfig string) (foreign, error) {
	f := foreign{current: os.Getenv(imageVariable), previous: os.Getenv(previousImageVariable)}
	if f.previous == "" {
		f.previous = f.current
	}
	for _, image := range []string{f.current, f.previous} {
		if repository, tag := splitImage(image); repository == "" || tag == "" {
			return f, fmt.Errorf("%s says %q; name the product's image as repository:tag", imageVariable, image)
		}
	}
	var err error
	if f.kubeconfig, err = filepath.Abs(kubeconfig); err != nil {
		return f, err
	}
	if f.kubectl, err = exec.LookPath("kubectl"); err != nil {
		return f, fmt.Errorf("kubectl has to be in PATH, in the cluster's version: %w", err)
	}
	if f.dir, err = os.MkdirTemp("", "varmenne-stories-"); err != nil {
		return f, err
	}
	if err := provideHelm(ctx, f.dir); err != nil {
		return f, errors.Join(err, os.RemoveAll(f.dir))
	}
	return f, nil
}

// splitImage parts repository:tag. A colon before the last slash is that of a port.
func splitImage(image string) (repository, tag string) {
	colon := strings.LastIndex(image, ":")
	if colon <= strings.LastIndex(image, "/") || strings.Contains(image, "@") {
		return image, ""
	}
	return image[:colon], image[colon+1:]
}

func (f foreign) Dir() string        { return f.dir }
func (f foreign) Kubeconfig() string { return f.kubeconfig }
func (f foreign) Kubectl() string    { return f.kubectl }

func (f foreign) image(version string) string {
	if version == previous {
		return f.previous
	}
	return f.current
}

func (f foreign) imageValues(version string) values {
	repository, tag := splitImage(f.image(version))
	return values{"image": values{"repository": repository, "tag": tag}}
}

// provideCertManager looks whether the cluster has what the stories need, and nothing that they would take away.
func (f foreign) provideCertManager(ctx context.Context, p *platform) error {
	err := p.Get(ctx, client.ObjectKey{Name: "certificates.cert-manager.io"}, &apiextensionsv1.CustomResourceDefinition{})
	if apierrors.IsNotFound(err) {
		return errors.New("the cluster has no cert-manager; install it first, with its definitions")
	}
	if err != nil {
		return err
	}
	found, err := p.definitions(ctx)
	if len(found) > 0 {
		return fmt.Errorf("the cluster has the definitions %q, and the stories would delete them with all objects of these "+
			"kinds; use a cluster without varmenne-issuer", found)
	}
	return err
}

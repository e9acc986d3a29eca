//go:build linux

package stories

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/node"
	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const customerID = "0123456-7"

// startService starts a simulator beside the cluster: what is a Pod restarts when the chart is upgraded, and the real
// service does not. It serves until the story ends.
func (p *platform) startService(t *testing.T) *world.Service {
	t.Helper()
	directory := t.TempDir()
	info := filepath.Join(directory, "info.json")
	simulator, err := process.Start(process.Options{
		Name: "simulator", Path: productProgram(p.Dir(), previous), LogFile: filepath.Join(p.Dir(), "logs", "simulator.log"),
		Args: []string{
			"simulator", "--address=" + node.IP + ":0", "--tls-name=" + node.IP, "--admin-address=127.0.0.1:0",
			"--info-file=" + info,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := simulator.Stop(); err != nil {
			t.Error(err)
		}
	})
	var found admin.Info
	eventually(t, "the simulator to listen", func() (err error) {
		if err := simulator.ExitError(); err != nil {
			t.Fatal(err)
		}
		found, err = admin.ReadInfo(info)
		return err
	})
	return &world.Service{Client: admin.NewClient(found.AdminURL), URL: found.ServiceURL, Process: simulator}
}

// found makes a namespace for a business. It goes when the story ends.
func (p *platform) found(t *testing.T, namespace string) {
	t.Helper()
	p.create(t, restrictedNamespace(namespace))
	t.Cleanup(func() {
		_, err := p.kubectl(context.WithoutCancel(t.Context()), "delete", "namespace", namespace, "--wait=false")
		if err != nil {
			t.Error(err)
		}
	})
}

// open gives a business an issuer for the service.
func (p *platform) open(t *testing.T, service *world.Service, namespace string) {
	t.Helper()
	trust, err := service.Trust(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	p.create(t, trust)
	p.create(t, service.Issuer(namespace, customerID))
}

// order asks for a number of certificates, each with transfer credentials of its own. Their names are web-1, web-2, ….
func (p *platform) order(t *testing.T, service *world.Service, namespace string, count int) {
	t.Helper()
	credentials, err := service.MintMany(t.Context(), admin.MintRequest{CustomerID: customerID, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	for i, sent := range credentials {
		certificate := world.Certificate(namespace, fmt.Sprintf("web-%d", i+1), customerID)
		p.create(t, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: certificate.Name},
			StringData: map[string]string{
				v1alpha1.KeyTransferID: sent.TransferID, v1alpha1.KeyTransferPassword: sent.TransferPassword,
			},
		})
		p.create(t, certificate)
	}
}

// paid is how many requests for a new certificate the service has accepted.
func paid(t *testing.T, service *world.Service) int {
	t.Helper()
	requests, err := service.Requests(t.Context(), "SignNewCertificate", "")
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, request := range requests {
		if request.Accepted {
			accepted++
		}
	}
	return accepted
}

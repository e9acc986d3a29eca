package binaries

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
)

// Environment variables that name modules, relative to the repository, whose versions of Kubernetes and cert-manager
// are built and run in place of the newest ones: those below e2e/compat.
const (
	KubernetesVariable  = "VARMENNE_E2E_KUBERNETES"
	CertManagerVariable = "VARMENNE_E2E_CERT_MANAGER"
)

// Pins are the modules, relative to the repository, whose go.mod says in which versions something is built and run.
type Pins struct {
	Kubernetes  string `json:"kubernetes"`
	CertManager string `json:"certManager"`
}

// NewestPins are those of the newest versions, which everything runs with unless it is told otherwise.
func NewestPins() Pins { return Pins{Kubernetes: controlPlaneModule, CertManager: certManagerModule} }

// CurrentPins are those that the environment names, else the newest.
func CurrentPins() Pins {
	return Pins{
		Kubernetes:  cmp.Or(os.Getenv(KubernetesVariable), controlPlaneModule),
		CertManager: cmp.Or(os.Getenv(CertManagerVariable), certManagerModule),
	}
}

// Environ is the environment in which other programs of the repository use these pins.
func (p Pins) Environ() []string {
	return append(os.Environ(), KubernetesVariable+"="+p.Kubernetes, CertManagerVariable+"="+p.CertManager)
}

// Versions returns what the pins say: the versions of Kubernetes and of cert-manager, both as "v1.2.3".
func (p Pins) Versions() (ofKubernetes, ofCertManager string, err error) {
	root, err := RepositoryRoot()
	if err != nil {
		return "", "", err
	}
	platform, err := RequiredVersions(filepath.Join(root, p.Kubernetes), kubernetes)
	if err != nil {
		return "", "", err
	}
	manager, err := RequiredVersions(filepath.Join(root, p.CertManager), certManager)
	return platform[kubernetes], manager[certManager], err
}

// CertManagerSource is where the source of cert-manager lies that the pins name.
func (p Pins) CertManagerSource(ctx context.Context) (Module, error) {
	return FindModule(ctx, p.CertManager, certManager)
}

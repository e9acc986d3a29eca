package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// certManagerName is the namespace and the ServiceAccount of cert-manager, as in its documentation.
const certManagerName = "cert-manager"

//go:embed manifests/cert-manager.yaml
var certManagerManifest []byte

//go:embed manifests/approval.yaml
var approvalManifest []byte

// InstallCertManager installs cert-manager's definitions, starts its controllers under their own
// ServiceAccount, and returns when their caches are filled. cert-manager may approve requests to its own
// issuers only; manifests that say more are applied before its approver starts, which would otherwise try
// to no effect and come back some seconds later.
func (c *Cluster) InstallCertManager(ctx context.Context, manifests ...string) error {
	c.step("Installing cert-manager.")
	module, err := c.binaries.Pins.CertManagerSource(ctx)
	if err != nil {
		return err
	}
	// The policy goes first: the API server takes a second or two to enforce it.
	if err := c.ApplyYAML(ctx, approvalManifest); err != nil {
		return err
	}
	if err := c.applyDefinitions(ctx, filepath.Join(module.Dir, "deploy", "crds")); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, certManagerManifest); err != nil {
		return err
	}
	if err := c.Apply(ctx, manifests...); err != nil {
		return err
	}
	if err := c.awaitApprovalEnforced(ctx); err != nil {
		return err
	}
	return c.StartCertManager(ctx)
}

// helmLine is a line of a definition that only Helm understands. Up to cert-manager 1.18 some labels were such.
var helmLine = regexp.MustCompile(`(?m)^.*\{\{.*\n`)

// applyDefinitions applies cert-manager's definitions without what is for Helm.
func (c *Cluster) applyDefinitions(ctx context.Context, directory string) error {
	files, err := manifests(directory)
	if err != nil {
		return err
	}
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(append(all, "\n---\n"...), helmLine.ReplaceAll(content, nil)...)
	}
	return c.ApplyYAML(ctx, all)
}

// StartCertManager starts cert-manager's controllers and returns when their caches are filled: as a part
// of InstallCertManager, or after they were stopped or killed.
func (c *Cluster) StartCertManager(ctx context.Context) error {
	c.step("Starting cert-manager's controllers.")
	kubeconfig, err := c.ServiceAccountKubeconfig(ctx, certManagerName, certManagerName)
	if err != nil {
		return err
	}
	ready := c.path("cert-manager.ready")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	p, err := c.StartProcess(process.Options{
		Name: CertManager,
		Path: c.binaries.CertManager,
		Args: []string{"--kubeconfig=" + kubeconfig, "--ready-file=" + ready},
	})
	if err != nil {
		return err
	}
	return await(ctx, p, exists(ready))
}

// StopCertManager stops cert-manager's controllers.
func (c *Cluster) StopCertManager() error { return c.stop(CertManager) }

// awaitApprovalEnforced waits until the API server refuses an approval by somebody who has no permission
// for it: it takes up a new policy within a second or so, and until then anybody could approve.
func (c *Cluster) awaitApprovalEnforced(ctx context.Context) error {
	probe := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: certManagerName, Name: "approval-probe"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   []byte("none"),
			IssuerRef: cmmeta.IssuerReference{Group: "probe.invalid", Kind: "Probe", Name: "probe"},
		},
	}
	if err := c.client.Create(ctx, probe); err != nil {
		return fmt.Errorf("creating the probe for approvals: %w", err)
	}
	asCertManager, err := c.ClientAs("system:serviceaccount:" + certManagerName + ":" + certManagerName)
	if err != nil {
		return err
	}
	probe.Status.Conditions = []cmapi.CertificateRequestCondition{{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, Reason: "Probe",
	}}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, servedTimeout, true, func(ctx context.Context) (bool, error) {
		err := asCertManager.Status().Update(ctx, probe.DeepCopy(), client.DryRunAll)
		if apierrors.IsForbidden(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the policy on approvals to be enforced: %w", err)
	}
	return c.client.Delete(ctx, probe)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// readyTimeout is how long the Certificate may take. The service itself wants ten seconds.
const readyTimeout = 3 * time.Minute

// demonstration is one run of the samples.
type demonstration struct {
	*world.World

	samples string
}

// show applies the samples, waits for the Certificate, and prints what came of it.
func show(ctx context.Context, w *world.World) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	d := demonstration{World: w, samples: filepath.Join(root, "docs", "samples")}
	certificate, err := d.apply(ctx)
	if err != nil {
		return err
	}
	receipt, err := d.await(ctx, certificate)
	if err != nil {
		return err
	}
	if err := d.kubectl(ctx, certificate.Namespace); err != nil {
		return err
	}
	if receipt == "" {
		return fmt.Errorf("no CertificateRequest has had the condition %s", v1alpha1.ConditionSubmitted)
	}
	fmt.Println("\n" + receipt)
	if err := d.chain(ctx, certificate); err != nil {
		return err
	}
	if err := d.carry(ctx); err != nil {
		return err
	}
	return overview(ctx, w)
}

// apply applies the samples as they are, but for what only this run knows: the address of its simulator, and the
// credentials and trust anchors that the simulator hands out.
func (d demonstration) apply(ctx context.Context) (*cmapi.Certificate, error) {
	issuer, secret, certificate := &v1alpha1.VeroIssuer{}, &corev1.Secret{}, &cmapi.Certificate{}
	err := errors.Join(
		d.read("issuer.yaml", issuer), d.read("transfer-credentials.yaml", secret), d.read("certificate.yaml", certificate))
	if err != nil {
		return nil, err
	}
	minted, err := d.Service.Mint(ctx, admin.MintRequest{
		CustomerID: issuer.Spec.CustomerID, CustomerName: issuer.Spec.CustomerName,
	})
	if err != nil {
		return nil, err
	}
	bundles, err := d.Service.Bundles(ctx)
	if err != nil {
		return nil, err
	}
	issuer.Spec.URL = d.Service.URL
	secret.StringData = map[string]string{
		v1alpha1.KeyTransferID: minted.TransferID, v1alpha1.KeyTransferPassword: minted.TransferPassword,
	}
	trust := &corev1.ConfigMap{Data: bundles}
	trust.Namespace, trust.Name = issuer.Namespace, issuer.Spec.Trust.Responses.ConfigMapKeyRef.Name

	fmt.Println("\nApplying docs/samples: namespace, transfer credentials, issuer, certificate.")
	fmt.Printf("  (spec.url of the issuer is %s, the simulator's)\n\n", d.Service.URL)
	if err := d.Cluster.Apply(ctx, filepath.Join(d.samples, "namespace.yaml")); err != nil {
		return nil, err
	}
	for _, object := range []client.Object{secret, trust, issuer, certificate} {
		if err := d.Client.Create(ctx, object); err != nil {
			return nil, fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
		}
	}
	return certificate, nil
}

func (d demonstration) read(file string, object client.Object) error {
	content, err := os.ReadFile(filepath.Join(d.samples, file))
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		return fmt.Errorf("docs/samples/%s: %w", file, err)
	}
	return nil
}

// await waits until the Certificate is Ready, prints what the request says on the way, and returns what its condition
// with the RetrievalId says. It is read on the way, too: cert-manager may remove a request that is done with.
func (d demonstration) await(ctx context.Context, certificate *cmapi.Certificate) (receipt string, err error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	started, said := time.Now(), ""
	err = wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if err := d.Client.Get(ctx, client.ObjectKeyFromObject(certificate), certificate); err != nil {
			return false, err
		}
		message, submitted := d.progress(ctx, certificate.Namespace)
		if message != "" && message != said {
			fmt.Printf("  %5.1f s  %s\n", time.Since(started).Seconds(), message)
			said = message
		}
		if submitted != "" {
			receipt = submitted
		}
		return testkit.IsReady(certificate), nil
	})
	if err != nil {
		return "", fmt.Errorf("the Certificate did not become Ready: %w; last: %s", err, said)
	}
	fmt.Printf("  %5.1f s  Certificate %s is Ready\n\n", time.Since(started).Seconds(), certificate.Name)
	return receipt, nil
}

// progress is what the newest request says of itself, and its receipt, once it has one.
func (d demonstration) progress(ctx context.Context, namespace string) (message, receipt string) {
	requests := &cmapi.CertificateRequestList{}
	if err := d.Client.List(ctx, requests, client.InNamespace(namespace)); err != nil || len(requests.Items) == 0 {
		return "", ""
	}
	request := requests.Items[len(requests.Items)-1]
	for _, condition := range request.Status.Conditions {
		switch condition.Type {
		case cmapi.CertificateRequestConditionReady:
			message = condition.Message
		case v1alpha1.ConditionSubmitted:
			receipt = fmt.Sprintf("CertificateRequest %s: %s=%s, %s, RetrievalId %s", request.Name,
				condition.Type, condition.Status, condition.Reason, condition.Message)
		default: // The approver's business.
		}
	}
	return message, receipt
}

// kubectl prints what a user would look at.
func (d demonstration) kubectl(ctx context.Context, namespace string) error {
	command := exec.CommandContext(ctx, d.Cluster.Kubectl(), "--kubeconfig", d.Cluster.KubeconfigPath(),
		"--namespace", namespace, "get", "certificates,certificaterequests,veroissuers,veroorders")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

// chain prints tls.crt and verifies it against the root of the simulator, which the Secret has no part in.
func (d demonstration) chain(ctx context.Context, certificate *cmapi.Certificate) error {
	secret := &corev1.Secret{}
	name := client.ObjectKey{Namespace: certificate.Namespace, Name: certificate.Spec.SecretName}
	if err := d.Client.Get(ctx, name, secret); err != nil {
		return err
	}
	bundle, err := d.Service.IssuanceBundle(ctx)
	if err != nil {
		return err
	}
	chain, err := testkit.VerifyChain(secret.Data[corev1.TLSCertKey], bundle, certificate.Spec.CommonName)
	if err != nil {
		return fmt.Errorf("tls.crt of Secret %s: %w", name, err)
	}
	fmt.Printf("\ntls.crt of Secret %s, leaf first:\n", name.Name)
	for _, link := range chain {
		fmt.Printf("  subject %s\n   issuer %s\n    valid %s to %s\n", link.Subject, link.Issuer,
			link.NotBefore.Format(time.DateOnly), link.NotAfter.Format(time.DateOnly))
	}
	fmt.Println("The chain verifies against the simulator's root.")
	return nil
}

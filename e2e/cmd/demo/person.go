package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// shownLanguage is the one whose steps the person follows.
const shownLanguage = "en"

// person carries requests to the simulator, which plays DVV, and brings certificates back. It does what the order says,
// with the commands that the order shows.
type person struct {
	demonstration

	shell howto.Shell
}

// carry shows a certificate that a person fetches, one that lives elsewhere, and a password that rotates by itself.
func (d demonstration) carry(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "person")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := person{demonstration: d, shell: howto.Shell{
		Dir: dir, Log: func(string, ...any) {}, Env: []string{
			"KUBECONFIG=" + d.Cluster.KubeconfigPath(),
			"PATH=" + filepath.Dir(d.Cluster.Kubectl()) + string(filepath.ListSeparator) + os.Getenv("PATH"),
		},
	}}
	fmt.Print("\nA certificate that a person fetches, from DVV, which the simulator plays.\n\n")
	if err := p.order(ctx); err != nil {
		return err
	}
	order, err := p.await(ctx, v1alpha1.ReasonApplicationDue)
	if err != nil {
		return err
	}
	if err := p.fetch(ctx, order); err != nil {
		return err
	}
	if err := p.verify(ctx); err != nil {
		return err
	}
	if err := p.track(ctx); err != nil {
		return err
	}
	if err := p.run(ctx, "kubectl -n stamping get certificates,manualorders,trackedcertificates"); err != nil {
		return err
	}
	return p.rotate(ctx)
}

// order makes what the person has to fetch: the samples, with DVV's authorities.
func (p person) order(ctx context.Context) error {
	root, err := p.Service.DVVRoot(ctx)
	if err != nil {
		return err
	}
	intermediates, err := p.Service.DVVIntermediates(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(p.write("root.pem", root), p.write("intermediates.pem", intermediates)); err != nil {
		return err
	}
	return p.run(ctx,
		"kubectl apply -f "+filepath.Join(p.samples, "manual", "namespace.yaml"),
		"kubectl -n stamping create configmap dvv-authorities --from-file=root.pem --from-file=intermediates.pem",
		"kubectl apply -f "+filepath.Join(p.samples, "manual", "issuer.yaml"),
		"kubectl apply -f "+filepath.Join(p.samples, "manual", "certificate.yaml"))
}

// shellBlock is a block of commands in the steps.
var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)\n```")

// fetch does for an order what its steps say: write the request, apply, note that, and bring what comes.
func (p person) fetch(ctx context.Context, order *v1alpha1.ManualOrder) error {
	var blocks []string
	for _, in := range order.Status.Instructions {
		for _, block := range shellBlock.FindAllStringSubmatch(in.Steps, -1) {
			if in.Language == shownLanguage {
				blocks = append(blocks, block[1])
			}
		}
	}
	const wanted = 3
	if len(blocks) != wanted {
		return fmt.Errorf("the steps of ManualOrder %s have %d blocks of commands, want %d", order.Name, len(blocks), wanted)
	}
	if err := p.run(ctx, blocks[0]); err != nil {
		return err
	}
	request, err := os.ReadFile(filepath.Join(p.shell.Dir, order.Name+".csr"))
	if err != nil {
		return err
	}
	reference, err := p.apply(ctx, request)
	if err != nil {
		return err
	}
	if err := p.run(ctx, strings.Replace(blocks[1], "…", reference, 1)); err != nil {
		return err
	}
	if _, err := p.await(ctx, v1alpha1.ReasonAwaitingAuthority); err != nil {
		return err
	}
	file, err := p.mail(ctx, reference)
	if err != nil {
		return err
	}
	return p.run(ctx, strings.Split(strings.Replace(blocks[2], "FILE", file, 1), "\n")...)
}

// await waits until the only order says something, and prints that.
func (p person) await(ctx context.Context, reason string) (*v1alpha1.ManualOrder, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	list := &v1alpha1.ManualOrderList{}
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if err := p.Client.List(ctx, list); err != nil || len(list.Items) == 0 {
			return false, err
		}
		ready := meta.FindStatusCondition(list.Items[0].Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason, nil
	})
	if err != nil {
		return nil, fmt.Errorf("no ManualOrder says %s: %w", reason, err)
	}
	order := &list.Items[0]
	fmt.Printf("  ManualOrder %s: %s; all steps are in its status.instructions\n", order.Name, reason)
	return order, nil
}

// apply fills in DVV's form, and returns the reference of the application.
func (p person) apply(ctx context.Context, request []byte) (string, error) {
	reference, err := p.Service.Apply(ctx, admin.Application{
		Applicant: "Maija", Organization: "Example Oy", TechnicalContact: "it@example.fi", CSR: string(request),
		ValidFrom: time.Now().UTC().Format(time.DateOnly),
	})
	if err == nil {
		fmt.Printf("  DVV's form is filled in and sent: application %s\n", reference)
	}
	return reference, err
}

// mail waits for what DVV mails, and returns the name of the file.
func (p person) mail(ctx context.Context, reference string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var mail admin.Mail
	err := wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var err error
		mail, err = p.Service.Mail(ctx, reference)
		if _, early := errors.AsType[*admin.NotMailedError](err); early {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return "", fmt.Errorf("no mail about application %s: %w", reference, err)
	}
	fmt.Printf("  DVV mails %s\n", mail.FileName)
	return mail.FileName, p.write(mail.FileName, mail.Content)
}

// verify waits until the Certificate is Ready, and verifies the chain against DVV's root.
func (p person) verify(ctx context.Context) error {
	certificate := &cmapi.Certificate{}
	if err := p.read("manual/certificate.yaml", certificate); err != nil {
		return err
	}
	ready := "kubectl -n stamping wait --for=condition=Ready certificate/" + certificate.Name + " --timeout=1m"
	if err := p.run(ctx, ready); err != nil {
		return err
	}
	secret := &corev1.Secret{}
	name := client.ObjectKey{Namespace: certificate.Namespace, Name: certificate.Spec.SecretName}
	if err := p.Client.Get(ctx, name, secret); err != nil {
		return err
	}
	root, err := p.Service.DVVRoot(ctx)
	if err != nil {
		return err
	}
	if _, err := testkit.VerifyChain(secret.Data[corev1.TLSCertKey], root, certificate.Spec.CommonName); err != nil {
		return fmt.Errorf("tls.crt of Secret %s: %w", name, err)
	}
	fmt.Printf("  Certificate %s is Ready, and its chain verifies against DVV's root\n", certificate.Name)
	return nil
}

// track shows the stamp certificate, whose key DVV makes and keeps: here the person plays that, too.
func (p person) track(ctx context.Context) error {
	fmt.Print("\nA certificate that lives elsewhere: the stamp certificate, of which DVV mails a copy.\n" +
		"(DVV makes its key, and keeps it; here the demo does.)\n\n")
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "Example Oy", Organization: []string{"Example Oy"}, Country: []string{"FI"}},
	}, key)
	if err != nil {
		return err
	}
	reference, err := p.apply(ctx, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
	if err != nil {
		return err
	}
	file, err := p.mail(ctx, reference)
	if err != nil {
		return err
	}
	return p.run(ctx,
		"kubectl -n stamping create configmap stamp-certificate --from-file=certificate.pem="+file,
		"kubectl apply -f "+filepath.Join(p.samples, "tracked", "stamp.yaml"),
		"kubectl -n stamping wait --for=condition=Ready trackedcertificate/stamp --timeout=1m")
}

func (p person) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(p.shell.Dir, name), content, 0o600) //nolint:mnd // the usual mode
}

// run types commands, and prints them with what they print.
func (p person) run(ctx context.Context, commands ...string) error {
	for _, command := range commands {
		fmt.Println("  $ " + command)
		printed, err := p.shell.Type(ctx, command)
		for line := range strings.Lines(printed) {
			fmt.Print("  " + line)
		}
		if err != nil {
			return fmt.Errorf("$ %s: %w", command, err)
		}
	}
	return nil
}

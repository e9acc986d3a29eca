package commands_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

const (
	// many Certificates there are, each with its request and its order.
	many = 1000
	// allowedFactor is how much longer than kubectl the plugin may take for them, allowedMiB how much memory it may need,
	// and allowedSize how long the program may be without symbols, in MiB.
	allowedFactor, allowedMiB, allowedSize = 1.5, 60, 45
)

// BenchmarkStatusOfAThousandCertificates compares, turn by turn, what the plugin takes for the overview of 1,000
// Certificates with what kubectl takes to list their objects, and fails where that is more than it may be.
func BenchmarkStatusOfAThousandCertificates(b *testing.B) {
	program := filepath.Join(b.TempDir(), "kubectl-varmenne")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program,
		"../../../cmd/kubectl-varmenne")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	size := float64(must.Get(os.Stat(program))(b).Size()) / (1 << 20)
	if b.ReportMetric(size, "MiB-size"); size > allowedSize {
		b.Errorf("the program has %.1f MiB, more than %d", size, allowedSize)
	}
	makeMany(b)
	config := kubeconfig(b)
	kubectl := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")
	get := []string{kubectl, "get", "certificate,certificaterequest,veroorder", "-A"}
	status := []string{program, "status", "-A"}
	for b.Loop() {
		const turns = 9
		theirs, ours := make([]float64, 0, turns), make([]float64, 0, turns)
		var peak float64
		for range turns {
			took, _, lines := measure(b, config, get)
			if theirs = append(theirs, took); lines < 3*many {
				b.Fatalf("kubectl prints %d lines", lines)
			}
			took, memory, lines := measure(b, config, status)
			if ours = append(ours, took); lines < many {
				b.Fatalf("the plugin prints %d lines", lines)
			}
			peak = max(peak, memory)
		}
		slices.Sort(theirs)
		slices.Sort(ours)
		factor := ours[turns/2] / theirs[turns/2]
		b.ReportMetric(theirs[turns/2], "s-kubectl")
		b.ReportMetric(ours[turns/2], "s-status")
		b.ReportMetric(factor, "factor")
		b.ReportMetric(peak, "MiB-peak")
		if factor > allowedFactor || peak > allowedMiB || peak == 0 {
			b.Errorf("status takes %.2f times as long as kubectl, and %.0f MiB; %.1f and %d are allowed", factor, peak,
				allowedFactor, allowedMiB)
		}
	}
}

// measure runs a program, and tells for how many seconds it runs, how many MiB it needs, and how many lines it prints.
func measure(b *testing.B, config string, command []string) (seconds, memory float64, lines int) {
	b.Helper()
	run := exec.CommandContext(b.Context(), command[0], append(command[1:], "--kubeconfig", config)...)
	run.Env = append(os.Environ(), "HOME="+filepath.Dir(config)) // where kubectl keeps what it has discovered
	started := time.Now()
	output := &bytes.Buffer{}
	run.Stdout = output
	must.Do(b, run.Start())
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	// What the kernel accounts to the process would begin with the memory of this one, from which it was forked.
	for ticker := time.NewTicker(time.Millisecond); ; {
		select {
		case err := <-ended:
			ticker.Stop()
			must.Do(b, err)
			return time.Since(started).Seconds(), memory, strings.Count(output.String(), "\n")
		case <-ticker.C:
			memory = max(memory, peakMiB(run.Process.Pid, command[0]))
		}
	}
}

// peakMiB is how much memory a process has needed at most, zero before it runs the program and after it has ended.
func peakMiB(pid int, program string) float64 {
	if runs, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || runs != program {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscan(peak, &kilobytes); err != nil {
		return 0
	}
	return kilobytes / 1024
}

// makeMany makes Certificates that were issued: what is in their requests and orders is as long as it is in reality.
func makeMany(b *testing.B) {
	b.Helper()
	authority := pkitest.Root(b, "Root").Intermediate(b, "Issuing")
	chain := pkitest.PEM(authority.Issue(b, pkitest.Key("many"), "0123456-7"), authority.Certificate)
	root := pkitest.PEM(pkitest.Root(b, "Root").Certificate)
	namespace := "many"
	must.Do(b, server.Client.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	model := requestOf(b, certificate(namespace, "many", "VeroIssuer"), "issued")
	group := errgroup.Group{}
	group.SetLimit(16)
	for number := range many {
		group.Go(func() error {
			c := certificate(namespace, fmt.Sprintf("certificate-%04d", number), "VeroIssuer")
			c.Status.NotAfter = &metav1.Time{Time: time.Now().AddDate(1, 0, 0)}
			c.Status.Conditions = []cmapi.CertificateCondition{{Type: "Ready", Status: "True", Reason: "Ready"}}
			if err := write(b, c); err != nil {
				return err
			}
			r := model.DeepCopy()
			r.Name, r.OwnerReferences[0].Name, r.OwnerReferences[0].UID = c.Name+"-1", c.Name, c.UID
			r.Status.Certificate, r.Status.CA = chain, root
			r.Status.Conditions = append(r.Status.Conditions[:1], cmapi.CertificateRequestCondition{
				Type: "Ready", Status: "True", Reason: "Issued", Message: "the certificate is issued"})
			if err := write(b, r); err != nil {
				return err
			}
			return write(b, &v1alpha1.VeroOrder{ObjectMeta: meta(namespace, fmt.Sprintf("vero-%04d", number)),
				Spec: v1alpha1.VeroOrderSpec{IssuerRef: v1alpha1.OrderIssuerReference{Kind: "VeroIssuer", Name: "issuer", UID: "1"},
					Attempt: 1, Operation: "SignNewCertificate", Environment: "TEST", CustomerID: "0123456-7", RequestUID: r.UID,
					Request: r.Spec.Request, PublicKeyDigest: strings.Repeat("ab", 32), Transfer: &v1alpha1.TransferAuthorization{
						SecretName: "transfer", TransferIDDigest: strings.Repeat("cd", 32)}},
				Status: v1alpha1.VeroOrderStatus{State: "Issued", RetrievalID: "123", Polls: 3, Certificate: chain,
					CA: root, Conditions: ready("True", "Issued", "the certificate is issued")}})
		})
	}
	must.Do(b, group.Wait())
}

// write makes an object with its status.
func write(b *testing.B, object client.Object) error {
	b.Helper()
	wanted := object.DeepCopyObject().(client.Object)
	if err := server.Client.Create(b.Context(), object); err != nil {
		return err
	}
	wanted.SetUID(object.GetUID())
	wanted.SetResourceVersion(object.GetResourceVersion())
	return server.Client.Status().Update(b.Context(), wanted)
}

package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

const (
	// carried is how many ManualOrders wait for a person, allowedMiB how much more memory than without any they may take.
	carried    = 5000
	allowedMiB = 40
	// restTime is how long the controller is watched while nothing happens. Orders and requests are looked at hourly.
	restTime = 2 * time.Minute
	// seldom is how often the controller is asked meanwhile, since thousands of series are many.
	seldom = 5 * time.Second
	// busy bounds what takes minutes, since every order means a dozen writes.
	busy = 20 * time.Minute
	// controllerUser is who the controller is to the API server.
	controllerUser = "system:serviceaccount:varmenne-issuer:varmenne-issuer"
	stamping       = "stamping"
)

// reconciled are the controllers that look at an order that waits.
var reconciled = []string{"ManualOrder", "request"}

// BenchmarkFiveThousandManualOrders reports what 5,000 orders that wait for a person cost: how much more memory the
// controller has once it has made them (live), and when it was started beside them (MiB); how long it takes to make
// them, and to look at all of them after a start (s); and how often it reads then. It fails where that is more than
// 40 MiB, and where the controller writes anything after a start, or looks at one of them within two minutes.
func BenchmarkFiveThousandManualOrders(b *testing.B) {
	policy := filepath.Join(b.TempDir(), "audit.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"+
		"rules:\n- {level: Metadata, users: ["+controllerUser+"]}\n- {level: None}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	w := startWith(b, world.Options{AuditPolicy: policy})
	if err := w.Cluster.StopCertManager(); err != nil { // it would make keys of its own
		b.Fatal(err)
	}
	for b.Loop() {
		restart(b, w)
		idle, _ := settled(b, w.Controller().PID())
		if err := w.StopController(); err != nil {
			b.Fatal(err)
		}
		makeWaiting(b, w)
		started := time.Now()
		restart(b, w)
		b.ReportMetric(untilSeen(b, started, seldom, busy, made(w)).Seconds(), "s-made")
		live, _ := settled(b, w.Controller().PID())

		started = time.Now()
		b.ReportMetric(restart(b, w).Seconds(), "s-start")
		b.ReportMetric(untilSeen(b, started, seldom, busy, looked(w)).Seconds(), "s-looked")
		more, peak := settled(b, w.Controller().PID())
		checkRest(b, w, started)
		b.ReportMetric(live-idle, "MiB-more-live")
		b.ReportMetric(more-idle, "MiB-more")
		b.ReportMetric(peak-idle, "MiB-peak-more")
		if most := max(more, live) - idle; most > allowedMiB {
			b.Errorf("%.0f MiB, and with %d orders that wait %.0f more at once and %.0f after a start (%.0f at most), where %d "+
				"are allowed", idle, carried, live-idle, more-idle, peak-idle, allowedMiB)
		}
	}
}

// checkRest watches the controller, which has looked at everything, for a while.
func checkRest(b *testing.B, w *world.World, started time.Time) {
	b.Helper()
	before, resting := looks(b, w), time.Now()
	until(b, resting, func(context.Context) (bool, error) { return time.Since(resting) > restTime, nil })
	if more := looks(b, w) - before; more > 0 {
		b.Errorf("%.0f looks within %s at what waits", more, restTime)
	}
	entries, err := testkit.ReadAuditLog(w.Cluster.AuditLog(), controllerUser)
	if err != nil {
		b.Fatal(err)
	}
	reads, written := 0, 0
	for _, entry := range entries {
		switch {
		case entry.StageTimestamp.Before(started), entry.ObjectRef.Resource == "leases":
		case entry.Verb == "get":
			reads++
		case entry.Verb != "list" && entry.Verb != "watch" && !strings.HasSuffix(entry.RequestURI, "reviews"):
			if written++; written == 1 {
				b.Errorf("it has written: %s %s", entry.Verb, entry.RequestURI)
			}
		}
	}
	b.ReportMetric(float64(reads)/carried, "reads/order")
}

// made reports whether every order waits for a person, and every request says so.
func made(w *world.World) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		requests := &cmapi.CertificateRequestList{}
		if err := w.Client.List(ctx, requests, client.InNamespace(stamping)); err != nil {
			return false, err
		}
		number := 0
		for i := range requests.Items {
			ready := cmutil.GetCertificateRequestCondition(&requests.Items[i], cmapi.CertificateRequestConditionReady)
			if ready != nil && strings.HasSuffix(ready.Message, "{\"reference\":\"…\"}}}'`") {
				number++
			}
		}
		return number == carried, nil
	}
}

// looked reports whether the controller has looked at every order and every request since its start.
func looked(w *world.World) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		page, err := w.Metrics(ctx)
		if err != nil {
			return false, err
		}
		for _, controller := range reconciled {
			if reconciles(page, controller) < carried {
				return false, nil
			}
		}
		return true, nil
	}
}

// looks is how often the controller has looked at an order or a request since its start.
func looks(b *testing.B, w *world.World) float64 {
	b.Helper()
	page, err := w.Metrics(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var sum float64
	for _, controller := range reconciled {
		sum += reconciles(page, controller)
	}
	return sum
}

// reconciles is how often a controller has reconciled, by its metrics.
func reconciles(page, controller string) float64 {
	var sum, value float64
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), "} ")
		if strings.HasPrefix(name, `controller_runtime_reconcile_total{controller="`+controller+`"`) {
			if _, err := fmt.Sscan(number, &value); err == nil {
				sum += value
			}
		}
	}
	return sum
}

// makeWaiting makes the issuer, and Certificates with a request that waits for it, as cert-manager leaves them.
func makeWaiting(b *testing.B, w *world.World) {
	b.Helper()
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: stamping}})
	create(b, w, &v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: stamping, Name: "dvv"},
		Spec: v1alpha1.ManualIssuerSpec{
			Preset: v1alpha1.ManualPresetDVVInterfaceCertificate,
			Trust:  v1alpha1.BundleSource{CABundle: certificate(b)},
		},
	})
	group, ctx := errgroup.WithContext(b.Context())
	const atOnce = 16
	group.SetLimit(atOnce)
	number := 0
	for key := range keys(b) {
		if number++; number > carried {
			break
		}
		name := fmt.Sprintf("interface-%04d", number)
		group.Go(func() error { return createWaiting(ctx, w.Client, name, key) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// keys are different RSA keys of 2048 bits. To make each of its own primes would take a quarter of an hour.
func keys(b *testing.B) func(func(*rsa.PrivateKey) bool) {
	b.Helper()
	const exponent, bits, enough = 65537, 1024, 102 // which makes 5,151 pairs
	e, one := big.NewInt(exponent), big.NewInt(1)
	var primes []*big.Int
	return func(yield func(*rsa.PrivateKey) bool) {
		for len(primes) < enough {
			p, err := rand.Prime(rand.Reader, bits)
			if err != nil {
				b.Fatal(err)
			}
			for _, q := range primes {
				order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
				key := &rsa.PrivateKey{
					PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
					D:         new(big.Int).ModInverse(e, order), Primes: []*big.Int{p, q},
				}
				key.Precompute()
				if !yield(key) {
					return
				}
			}
			primes = append(primes, p)
		}
	}
}

// createWaiting makes a Certificate that is being issued, its next private key, and its request.
func createWaiting(ctx context.Context, access client.Client, name string, key *rsa.PrivateKey) error {
	issuer := cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv"}
	certificate := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: stamping, Name: name},
		Spec:       cmapi.CertificateSpec{SecretName: name, CommonName: name + ".example.fi", IssuerRef: issuer},
	}
	if err := access.Create(ctx, certificate); err != nil {
		return err
	}
	owner := *metav1.NewControllerRef(certificate, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
	staged := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: stamping, Name: name + "-x7k2p", OwnerReferences: []metav1.OwnerReference{owner},
			Labels: map[string]string{cmapi.IsNextPrivateKeySecretLabelKey: "true"},
		},
		Data: map[string][]byte{corev1.TLSPrivateKeyKey: pem.EncodeToMemory(
			&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})},
	}
	if err := access.Create(ctx, staged); err != nil {
		return err
	}
	certificate.Status.NextPrivateKeySecretName = &staged.Name
	certificate.Status.Conditions = []cmapi.CertificateCondition{{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "DoesNotExist",
	}}
	if err := access.Status().Update(ctx, certificate); err != nil {
		return err
	}
	return createRequest(ctx, access, certificate, owner, key)
}

func createRequest(
	ctx context.Context, access client.Client, certificate *cmapi.Certificate, owner metav1.OwnerReference,
	key *rsa.PrivateKey,
) error {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: certificate.Spec.CommonName, Organization: []string{"Example Oy"}},
	}, key)
	if err != nil {
		return err
	}
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: stamping, Name: certificate.Name + "-1", OwnerReferences: []metav1.OwnerReference{owner},
			Annotations: map[string]string{
				cmapi.CertificateNameKey: certificate.Name, cmapi.CertificateRequestRevisionAnnotationKey: "1",
				cmapi.CertificateRequestPrivateKeyAnnotationKey: *certificate.Status.NextPrivateKeySecretName,
			},
		},
		Spec: cmapi.CertificateRequestSpec{
			Request:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			IssuerRef: certificate.Spec.IssuerRef, Usages: cmapi.DefaultKeyUsages(),
			Username: "system:serviceaccount:cert-manager:cert-manager", UID: "0a3e",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:cert-manager", "system:authenticated"},
		},
	}
	if err := access.Create(ctx, request); err != nil {
		return err
	}
	now := metav1.Now()
	request.Status.Conditions = []cmapi.CertificateRequestCondition{{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, LastTransitionTime: &now,
		Reason: "cert-manager.io", Message: "Certificate request has been approved by cert-manager.io",
	}}
	return access.Status().Update(ctx, request)
}

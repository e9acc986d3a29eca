package bench

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"math"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// foreign is how many CertificateRequests of other issuers a large cluster has.
const foreign = 30_000

// definition is that of CertificateRequests.
const definition = "certificaterequests.cert-manager.io"

// BenchmarkThirtyThousandForeignRequests reports what CertificateRequests of other issuers cost the controller: how
// much more memory it has when it has started, and how much more it has had at most, in MiB; and how long its start
// takes until it works, in seconds. Once as it is with cert-manager's definition of today, by which the API server can
// select them, and once with an older one's.
func BenchmarkThirtyThousandForeignRequests(b *testing.B) {
	w := start(b)
	must.Do(b, w.Cluster.StopCertManager()) // it would look at each of them, too
	for b.Loop() {
		restart(b, w)
		resident, peak := settled(b, w.Controller().PID())
		b.ReportMetric(resident, "MiB-none")
		populate(b, w)
		report := func(name string) {
			took := restart(b, w)
			after, most := settled(b, w.Controller().PID())
			b.ReportMetric(took.Seconds(), "s-"+name)
			b.ReportMetric(after-resident, "MiB-more-"+name)
			b.ReportMetric(most-peak, "MiB-peak-more-"+name)
		}
		report("selected")
		withoutSelectableFields(b, w)
		report("unselected")
	}
}

// restart starts the controller anew and returns how long it takes until it works.
func restart(b *testing.B, w *world.World) time.Duration {
	b.Helper()
	must.Do(b, w.StopController())
	started := time.Now()
	must.Do(b, w.StartController(b.Context()))
	return time.Since(started)
}

// settled is the memory of a process in MiB once it has come to rest, and the most that it has had.
func settled(b *testing.B, pid int) (resident, peak float64) {
	b.Helper()
	const steady = 5 // seconds
	same := 0
	err := wait.PollUntilContextTimeout(b.Context(), time.Second, timeout, false, func(context.Context) (bool, error) {
		before := resident
		resident = residentMiB(b, pid)
		if same++; math.Abs(resident-before) > 1 {
			same = 0
		}
		return same >= steady, nil
	})
	must.Do(b, err)
	return resident, peakMiB(b, pid)
}

// peakMiB is the most memory that a process has had, as the kernel counts it.
func peakMiB(b *testing.B, pid int) float64 {
	b.Helper()
	peak := process.PeakMemory(pid)
	if peak == 0 {
		b.Fatalf("process %d has ended", pid)
	}
	return float64(peak) / (1 << 20)
}

// populate creates the requests, each of them Ready, as cert-manager leaves them.
func populate(b *testing.B, w *world.World) {
	b.Helper()
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}})
	group, ctx := errgroup.WithContext(b.Context())
	const atOnce = 32
	group.SetLimit(atOnce)
	for i := range foreign {
		group.Go(func() error { return createForeign(ctx, w.Client, i) })
	}
	must.Do(b, group.Wait())
}

func createForeign(ctx context.Context, access client.Client, number int) error {
	const csr, chain, ca = 900, 2200, 1100 // bytes in DER, of RSA-2048
	block := func(kind string, size int) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes.Repeat([]byte{byte(number)}, size)})
	}
	name, yes := fmt.Sprintf("web-%05d", number), true
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "foreign", Name: name + "-1", Labels: map[string]string{"app.kubernetes.io/name": "web"},
			Annotations: map[string]string{
				cmapi.CertificateNameKey: name, cmapi.CertificateRequestRevisionAnnotationKey: "1",
				cmapi.CertificateRequestPrivateKeyAnnotationKey: name + "-x7k2p",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: name, UID: "5f1c", Controller: &yes,
				BlockOwnerDeletion: &yes,
			}},
		},
		Spec: cmapi.CertificateRequestSpec{
			Request: block("CERTIFICATE REQUEST", csr), Usages: cmapi.DefaultKeyUsages(),
			IssuerRef: cmmeta.IssuerReference{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "letsencrypt"},
			Username:  "system:serviceaccount:cert-manager:cert-manager", UID: "0a3e",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:cert-manager", "system:authenticated"},
		},
	}
	if err := access.Create(ctx, request); err != nil {
		return err
	}
	now := metav1.Now()
	request.Status = cmapi.CertificateRequestStatus{
		Certificate: block("CERTIFICATE", chain), CA: block("CERTIFICATE", ca),
		Conditions: []cmapi.CertificateRequestCondition{
			{Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, LastTransitionTime: &now,
				Reason: "cert-manager.io", Message: "Certificate request has been approved by cert-manager.io"},
			{Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionTrue, LastTransitionTime: &now,
				Reason: "Issued", Message: "Certificate fetched from issuer successfully"},
		},
	}
	return access.Status().Update(ctx, request)
}

// withoutSelectableFields lets the API server have the definition of an older cert-manager.
func withoutSelectableFields(b *testing.B, w *world.World) {
	b.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	must.Do(b, w.Client.Get(b.Context(), client.ObjectKey{Name: definition}, crd))
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	delete(versions[0].(map[string]any), "selectableFields")
	must.Do(b, unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"))
	must.Do(b, w.Client.Update(b.Context(), crd))
	err := wait.PollUntilContextTimeout(b.Context(), time.Second, timeout, true, func(ctx context.Context) (bool, error) {
		err := w.Client.List(ctx, &cmapi.CertificateRequestList{}, client.Limit(1),
			client.MatchingFields{"spec.issuerRef.group": "example.com"})
		return err != nil, nil
	})
	must.Do(b, err)
	// A changed definition makes the API server read all of them anew, which is no part of a controller's start.
	list := &cmapi.CertificateRequestList{}
	for more := true; more; more = list.Continue != "" {
		must.Do(b, w.Client.List(b.Context(), list, client.Limit(500), client.Continue(list.Continue)))
	}
}

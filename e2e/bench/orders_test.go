package bench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// kept is how many orders have ended and are kept, shares among how many issuers, each in a namespace of its own:
	// so many that their calls keep all 32 workers busy.
	kept   = 3000
	shares = 4
	// together is how long the service holds its acceptances, so that the responses come at the same time.
	together = 2 * time.Second
)

// BenchmarkThreeThousandOrders reports the memory of a controller that keeps 3,000 orders, and how much more it has at
// most while 200 Certificates are issued, in MiB, with the default flags: 32 workers, and 32 responses at a time.
func BenchmarkThreeThousandOrders(b *testing.B) {
	w := start(b, "--processing-delay=1s")
	for b.Loop() {
		issuers := make([]*v1alpha1.VeroIssuer, 0, shares)
		for i := range shares {
			issuer := w.Service.Issuer("share-"+strconv.Itoa(i), customer)
			prepare(b, w, w.Service, issuer, crowd/shares)
			issuers = append(issuers, issuer)
		}
		keep(b, w, issuers, kept)
		restart(b, w)
		pid := w.Controller().PID()
		resident, _ := settled(b, pid)
		forgetPeak(b, pid)
		must.Get(w.Service.Script(b.Context(), admin.Fault{
			Operation: "SignNewCertificate", Kind: admin.TimeoutAfter, Hold: admin.Duration(together),
			ForDuration: admin.Duration(time.Hour),
		}))(b)
		for i := range crowd {
			create(b, w, world.Certificate(issuers[i%shares].Namespace, nameOf(i/shares), customer))
		}
		awaitAll(b, w, issuers)
		b.ReportMetric(resident, "MiB-cache")
		b.ReportMetric(peakMiB(b, pid)-resident, "MiB-peak-more")
	}
}

// forgetPeak lets the kernel count the most memory of a process from now on.
func forgetPeak(b *testing.B, pid int) {
	b.Helper()
	const peak = "5"
	must.Do(b, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(peak), 0))
}

// awaitAll waits until every request of the issuers' namespaces is Ready.
func awaitAll(b *testing.B, w *world.World, issuers []*v1alpha1.VeroIssuer) {
	b.Helper()
	err := wait.PollUntilContextTimeout(b.Context(), time.Second, timeout, true, func(ctx context.Context) (bool, error) {
		number := 0
		for _, issuer := range issuers {
			list := &cmapi.CertificateRequestList{}
			if err := w.Client.List(ctx, list, client.InNamespace(issuer.Namespace)); err != nil {
				return false, err
			}
			for i := range list.Items {
				if isReady(&list.Items[i]) {
					number++
				}
			}
		}
		return number == crowd, nil
	})
	must.Do(b, err)
}

// keep creates so many orders that have ended.
func keep(b *testing.B, w *world.World, issuers []*v1alpha1.VeroIssuer, number int) {
	b.Helper()
	must.Do(b, w.StopController()) // nobody waits for them: it would end them otherwise
	chain := slices.Repeat(certificate(b), 2)
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(writers)
	for i := range number {
		group.Go(func() error {
			order := issuedOrder(issuers[i%len(issuers)], i, chain)
			status := order.Status
			if err := w.Client.Create(ctx, order); err != nil {
				return err
			}
			order.Status = status
			return w.Client.Status().Update(ctx, order)
		})
	}
	must.Do(b, group.Wait())
}

func issuedOrder(issuer *v1alpha1.VeroIssuer, number int, chain []byte) *v1alpha1.VeroOrder {
	name := fmt.Sprintf("kept-%04d", number)
	sum := sha256.Sum256([]byte(name))
	digest, now := hex.EncodeToString(sum[:]), time.Now()
	return &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: issuer.Namespace, Name: "sign-" + name,
			Labels: map[string]string{
				v1alpha1.LabelPublicKey: v1alpha1.LabelValue(digest), v1alpha1.LabelTransferID: v1alpha1.LabelValue(digest),
			},
			Annotations: map[string]string{cmapi.CertificateNameKey: name, v1alpha1.AnnotationRequestName: name + "-1"},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{
				Kind: v1alpha1.KindVeroIssuer, Name: issuer.Name, UID: issuer.UID,
			},
			Operation: v1alpha1.VeroOperationSignNew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: customer,
			Request: chain[:len(chain)/2], RequestUID: types.UID(name), PublicKeyDigest: digest, Attempt: 1,
			Transfer: &v1alpha1.TransferAuthorization{SecretName: name, TransferIDDigest: digest},
		},
		Status: v1alpha1.VeroOrderStatus{
			State: v1alpha1.VeroOrderIssued, RetrievalID: name, Submissions: 1, Polls: 1,
			SubmissionTime: &metav1.MicroTime{Time: now}, AcceptanceTime: &metav1.MicroTime{Time: now},
			Certificate: chain, CA: chain[:len(chain)/2], CompletionTime: &metav1.Time{Time: now},
			Conditions: []metav1.Condition{{
				Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued,
				Message: "the certificate was issued", LastTransitionTime: metav1.NewTime(now),
			}},
		},
	}
}

// certificate is one with a key of 2048 bits, in PEM.
func certificate(b *testing.B) []byte {
	b.Helper()
	const bits = 2048
	key := must.Get(rsa.GenerateKey(rand.Reader, bits))(b)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: customer}, NotAfter: time.Now().AddDate(2, 0, 0),
	}
	der := must.Get(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(b)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

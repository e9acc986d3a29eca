package order_test

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// TestWhatIsKeptIsCheckedOnceMore before it is handed over: whom the issuer trusts may have changed, and a stale order
// has recorded what was used for another one with its key. Once nothing is wrong with it any more, it is handed over.
func TestWhatIsKeptIsCheckedOnceMore(t *testing.T) {
	stranger := pkitest.Root(t, "stranger")
	const refused, done = "status.certificate cannot be handed over: ", "the certificate is issued"
	for claim, c := range map[string]struct {
		trust             *pkitest.Authority
		named, says, then string
	}{
		"of whom is not trusted any more": {stranger, name, refused + "certificate", done},
		"of another order":                {nil, "other.example.fi", refused + "the certificate's names differ", refused},
		"of the order":                    {nil, name, done, done},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			leaf := w.authority.Issue(t, pkitest.Key("staged"), c.named)
			w.order.Status = v1alpha1.ManualOrderStatus{
				State: v1alpha1.ManualOrderStale, Certificate: pkitest.PEM(leaf), CA: pkitest.PEM(w.authority.Certificate),
				NotBefore: &metav1.Time{Time: leaf.NotBefore}, NotAfter: &metav1.Time{Time: leaf.NotAfter},
			}
			w.must(server.Client.Status().Update(t.Context(), w.order))
			for _, step := range []struct {
				trust *pkitest.Authority
				says  string
			}{{cmp.Or(c.trust, w.authority), c.says}, {w.authority, c.then}} {
				issuer := &v1alpha1.ManualIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "dvv"}}
				patch := fmt.Appendf(nil, `{"spec":{"trust":{"caBundle":%q}}}`,
					base64.StdEncoding.EncodeToString(pkitest.PEM(step.trust.Certificate)))
				w.must(server.Client.Patch(t.Context(), issuer, client.RawPatch(types.MergePatchType, patch)))
				if ready, _ := w.reconcile(); !strings.Contains(ready.Message, step.says) {
					t.Errorf("it is %s, %q, want %q", w.order.Status.State, ready.Message, step.says)
				}
			}
		})
	}
}

// counting counts what is read.
type counting struct {
	getOnly

	reads int
}

func (c *counting) Get(
	ctx context.Context, name client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	c.reads++
	return c.getOnly.Get(ctx, name, into, options...)
}

// TestManyOrdersForOneKeyCostEachOfThemLittle, as somebody can make by hand: of 16 of the others what was brought is
// read beside them, and the order says that there are more. Those to which nothing was brought are not read.
func TestManyOrdersForOneKeyCostEachOfThemLittle(t *testing.T) {
	for claim, c := range map[string]struct {
		from  func(*v1alpha1.ManualOrderSpec)
		reads int
		says  string
	}{
		"something was brought to each": {fromConfigMap("missing"), 2 + 2*16, "; to 5 more ManualOrders for the same"},
		"nothing was brought to most":   {func(*v1alpha1.ManualOrderSpec) {}, 3, "the certificate is issued"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			other := func(name string) *v1alpha1.ManualOrder {
				return &v1alpha1.ManualOrder{
					ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Spec: *w.order.Spec.DeepCopy(),
				}
			}
			right := other("the-first-and-the-last-by-its-name")
			right.Spec.Certificate = string(pkitest.PEM(w.authority.Issue(t, pkitest.Key("staged"), name)))
			server.Create(t, right)
			for i := range 20 {
				forged := other(fmt.Sprintf("forged-%d", i))
				c.from(&forged.Spec)
				server.Create(t, forged)
			}
			reader := &counting{getOnly: getOnly{server.Client}}
			w.reconciler.Reader = reader
			ready, _ := w.reconcile()
			if reader.reads != c.reads || !strings.Contains(ready.Message, c.says) {
				t.Errorf("it has read %d times, and says %q", reader.reads, ready.Message)
			}
		})
	}
}

// TestWhatTheAuthorityChangedIsShownAsTextAlone: a terminal that shows the status obeys no certificate.
func TestWhatTheAuthorityChangedIsShownAsTextAlone(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.order.Spec.Certificate = string(pkitest.PEM(w.authority.Issue(t, pkitest.Key("staged"), name,
		func(template *x509.Certificate) { template.Subject.Organization = []string{"Oy\x1b[2J\n\u202eÄ"} })))
	w.must(server.Client.Update(t.Context(), w.order))
	w.reconcile()
	changes := w.order.Status.Changes
	if len(changes) == 0 || changes[0].New[0] != "Oy?[2J??Ä" {
		t.Errorf("the changes are %q", changes)
	}
}

package actions

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// Checking is how what came is judged before anything is sent.
type Checking struct {
	// SkipChain leaves the chain to the controller, for who may not read the issuer's bundles.
	SkipChain bool
	// ControllerNamespace is where the bundles of a ManualClusterIssuer are.
	ControllerNamespace string
	// Now is the time.
	Now time.Time
	// Notef is told which Secret is read.
	Notef func(format string, arguments ...any)
}

// Read adds the certificates of a file to those that came. A private key is an error, and whatever has none.
func Read(came []*x509.Certificate, name string, data []byte) ([]*x509.Certificate, error) {
	found, err := delivery.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, certificate := range found {
		if !slices.ContainsFunc(came, certificate.Equal) {
			came = append(came, certificate)
		}
	}
	return came, nil
}

// Check judges what came for an order as the controller will. It sends nothing.
func Check(
	ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, came []*x509.Certificate, how Checking,
) (delivery.Issued, error) {
	ordered, err := how.ordered(ctx, access, order, came)
	if err != nil {
		return delivery.Issued{}, err
	}
	issued, err := delivery.Match(came, ordered, how.Now)
	if err != nil {
		return delivery.Issued{}, fmt.Errorf("what came cannot be used, and was not sent: %w", err)
	}
	return issued, nil
}

// Complete puts what came into an order, as Encode has written it.
func Complete(ctx context.Context, access client.Client, order *v1alpha1.ManualOrder, certificates string) error {
	return Change(ctx, access, order, func() {
		order.Spec.Certificate, order.Spec.CertificateFrom = certificates, nil
	})
}

// Encode writes certificates as PEM, the one that was ordered first.
func Encode(leaf *x509.Certificate, came []*x509.Certificate) string {
	text := &bytes.Buffer{}
	others := slices.DeleteFunc(slices.Clone(came), leaf.Equal)
	for _, certificate := range slices.Concat([]*x509.Certificate{leaf}, others) {
		block, _ := pki.EncodeChain([]*x509.Certificate{certificate})
		text.Write(block)
	}
	return text.String()
}

// certificateOf is the Certificate behind a request as cert-manager notes it, nil if there is none or nobody may see
// it. Only whether it has a literal subject is asked; whose key is certified, the controller proves.
func certificateOf(
	ctx context.Context, access client.Client, request *cmapi.CertificateRequest,
) (*cmapi.Certificate, error) {
	owner := metav1.GetControllerOf(request)
	if owner == nil || owner.Kind != cmapi.CertificateKind {
		return nil, nil //nolint:nilnil // there is none
	}
	certificate := &cmapi.Certificate{}
	err := access.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: owner.Name}, certificate)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // as above
	}
	return certificate, cluster.Explain(err, "get", "certificates.cert-manager.io", request.Namespace,
		"get Certificate "+owner.Name)
}

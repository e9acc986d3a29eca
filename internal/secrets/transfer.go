package secrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/access"
	"github.com/varmenne/varmenne-issuer/internal/sensitive"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Transfer is a pair of transfer credentials. It prints as [redacted].
type Transfer struct {
	sensitive.Redaction

	// ID is the TransferId.
	ID string
	// Password prints as [redacted].
	Password protocol.Password
	// Written is when somebody last changed them in the Secret.
	Written time.Time
}

// IDDigest is the SHA-256 digest of the TransferId in lower-case hexadecimal: what an order remembers of it.
func (t Transfer) IDDigest() string {
	digest := sha256.Sum256([]byte(t.ID))
	return hex.EncodeToString(digest[:])
}

// Fingerprint tells a replaced password from the one before; see protocol.Password.
func (t Transfer) Fingerprint() string { return t.Password.Fingerprint(t.ID) }

// UnusableError says why a Secret holds no usable transfer credentials, and what to do. It shows no value.
type UnusableError struct {
	// Secret is the namespaced name.
	Secret types.NamespacedName
	// Problem says what is wrong and what to do.
	Problem string
	// Unread reports whether nobody knows what it holds, because the controller may not read it.
	Unread bool
}

func (e *UnusableError) Error() string { return fmt.Sprintf("Secret %s %s", e.Secret, e.Problem) }

// ReadTransfer gets the transfer credentials in a Secret. A Secret that is missing or holds no usable credentials
// comes as *UnusableError; any other error is the API server's.
func ReadTransfer(ctx context.Context, reader client.Reader, name types.NamespacedName) (Transfer, error) {
	if !access.IsName(name.Name) {
		return Transfer{}, &UnusableError{Secret: name, Problem: "cannot exist, because that is no name of a Secret: " +
			"correct the annotation " + v1alpha1.AnnotationTransferSecret + " or spec.transferSecretRef of the issuer"}
	}
	secret := &corev1.Secret{}
	switch err := reader.Get(ctx, name, secret); {
	case apierrors.IsForbidden(err):
		return Transfer{}, &UnusableError{Secret: name, Problem: access.NotAllowed("Secret", name.Namespace), Unread: true}
	case apierrors.IsNotFound(err):
		return Transfer{}, &UnusableError{Secret: name, Problem: fmt.Sprintf(
			"does not exist: create it with the keys %s and %s", v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword)}
	case err != nil:
		return Transfer{}, fmt.Errorf("get Secret %s with the transfer credentials: %w", name, err)
	}
	transfer, err := parseTransfer(name, secret.Data)
	if err == nil {
		transfer.Written = Written(secret, v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword)
	}
	return transfer, err
}

func parseTransfer(name types.NamespacedName, data map[string][]byte) (Transfer, error) {
	var missing []string
	for _, key := range []string{v1alpha1.KeyTransferID, v1alpha1.KeyTransferPassword} {
		if len(data[key]) == 0 {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return Transfer{}, &UnusableError{Secret: name,
			Problem: fmt.Sprintf("lacks %s: add what is missing", strings.Join(missing, " and "))}
	}
	transfer, err := NewTransfer(
		trimLineEnd(data[v1alpha1.KeyTransferID]), trimLineEnd(data[v1alpha1.KeyTransferPassword]))
	if err != nil {
		return Transfer{}, &UnusableError{Secret: name,
			Problem: "holds values that the certificate service cannot take: " + strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return transfer, nil
}

// NewTransfer are transfer credentials that somebody has brought, if the certificate service can take them. The error
// does not show the password.
func NewTransfer(id, password string) (Transfer, error) {
	transfer := Transfer{ID: id, Password: protocol.NewPassword(password)}
	err := errors.Join(protocol.CheckTransferID(transfer.ID), protocol.CheckTransferPassword(transfer.Password))
	if err != nil {
		return Transfer{}, err
	}
	return transfer, nil
}

// trimLineEnd removes one line end: `kubectl create secret --from-file` and echo without -n leave it behind, and no
// credential can contain it.
func trimLineEnd(value []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(value), "\n"), "\r")
}

// NamesTransfer reports whether a Certificate, nil for none, itself names the Secret with the transfer credentials. An
// annotation that only the request has, as a copy of an older one, is no wish any more.
func NamesTransfer(certificate *cmapi.Certificate) bool {
	return certificate != nil && certificate.Annotations[v1alpha1.AnnotationTransferSecret] != ""
}

// TransferName is the Secret with the transfer credentials for a request, empty if none is named. The annotation of the
// Certificate behind it, nil for none, comes first: cert-manager copies it to the request when it makes that, and never
// again. Then comes the request's own, then the issuer's default.
func TransferName(
	certificate *cmapi.Certificate, request *cmapi.CertificateRequest, issuer *v1alpha1.VeroIssuerSpec,
) string {
	if NamesTransfer(certificate) {
		return certificate.Annotations[v1alpha1.AnnotationTransferSecret]
	}
	if name := request.Annotations[v1alpha1.AnnotationTransferSecret]; name != "" {
		return name
	}
	if issuer.TransferSecretRef != nil {
		return issuer.TransferSecretRef.Name
	}
	return ""
}

package commands

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// fieldManager is who the API server notes as the owner of what credentials writes.
const fieldManager = "kubectl-varmenne"

// credentialsOptions are the flags of credentials.
type credentialsOptions struct {
	descriptor number
	secret     string
}

func (p *program) credentials() *cobra.Command {
	options := credentialsOptions{descriptor: number{most: math.MaxInt32}}
	command := &cobra.Command{
		Use:   "credentials CERTIFICATE",
		Short: "Put transfer credentials into the Secret that a Certificate draws on",
		Long: "Ask for the TransferId and the TransferPassword that the Tax Administration has sent, check them as the " +
			"issuer " +
			"would, and write them into the Secret that the Certificate draws on: the one of its annotation " +
			v1alpha1.AnnotationTransferSecret + ", else the issuer's.\n\nNeither is shown while it is typed, and no argument " +
			"takes them, so that they are in no history and no list of processes. --from-fd reads both from a file " +
			"descriptor, a line each.\n\nThis is the one verb that is about a Secret. It writes the two keys, and reads none: " +
			"it takes the right to create and patch Secrets.",
		Example: "  kubectl varmenne credentials -n payroll incomes\n" +
			"  kubectl varmenne credentials -n payroll incomes --from-fd 3 3< letter",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeRows(overview.KindCertificate, takesCredentials),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.putCredentials(command.Context(), arguments[0], options)
		},
	}
	flags := command.Flags()
	flags.Var(&options.descriptor, "from-fd", "file `descriptor` to read the TransferId and the TransferPassword "+
		"from, a line each; 0 is standard input, and taken only where it is no terminal")
	flags.StringVar(&options.secret, "secret", "", "`name` of the Secret, where neither Certificate nor issuer can be "+
		"asked")
	return command
}

func (p *program) putCredentials(ctx context.Context, name string, options credentialsOptions) error {
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	target, err := p.transferSecret(ctx, access, namespace, name, options)
	if err != nil {
		return err
	}
	transfer, err := p.askTransfer(options)
	if err != nil {
		return err
	}
	if err := target.check(ctx, access, transfer); err != nil {
		return err
	}
	secret := corev1ac.Secret(target.secret, namespace).WithData(map[string][]byte{
		v1alpha1.KeyTransferID:       []byte(transfer.ID),
		v1alpha1.KeyTransferPassword: []byte(transfer.Password.Reveal()),
	})
	err = access.Apply(ctx, secret, client.FieldOwner(fieldManager), client.ForceOwnership)
	if err != nil {
		return cluster.Explain(withoutValues(err, transfer), "patch", "secrets", namespace, "write Secret "+target.secret)
	}
	p.sayf("Secret %s/%s has the credentials. How it goes on: kubectl varmenne why -n %s %s", namespace, target.secret,
		namespace, name)
	return nil
}

// withoutValues is an error of a write of credentials: the API server repeats in some what it could not take, and so
// may a policy.
func withoutValues(err error, transfer secrets.Transfer) error {
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return fmt.Errorf("the API server does not take it (%s): see whether the Secret is immutable or of another type",
			apierrors.ReasonForError(err))
	}
	const telling = 4 // less stands in every text
	for _, value := range []string{transfer.ID, transfer.Password.Reveal()} {
		if text := err.Error(); len(value) >= telling && (strings.Contains(text, value) ||
			strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(value)))) {
			return fmt.Errorf("the API server does not take it (%s), and repeats what was written, which is left out here",
				apierrors.ReasonForError(err))
		}
	}
	return err
}

// transferSecret is where a Certificate's transfer credentials are, and what they would pay for.
type transferSecret struct {
	certificate *cmapi.Certificate
	issuer      facts.Issuer
	secret      string
}

// transferSecret finds the Secret as the issuer does.
func (p *program) transferSecret(
	ctx context.Context, access client.Client, namespace, name string, options credentialsOptions,
) (*transferSecret, error) {
	certificate := &cmapi.Certificate{}
	if err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, certificate); err != nil {
		return nil, cluster.Explain(err, "get", "certificates.cert-manager.io", namespace, "get Certificate "+name)
	}
	reference := certificate.Spec.IssuerRef
	if reference.Group != v1alpha1.GroupName || v1alpha1.NewVeroIssuer(reference.Kind) == nil {
		return nil, fmt.Errorf("the Certificate %s names %s %s, which takes no transfer credentials", name, reference.Kind,
			reference.Name)
	}
	found := &transferSecret{certificate: certificate, secret: options.secret}
	issuer, err := find.Issuer(ctx, access, reference.Kind, namespace, reference.Name)
	switch {
	case apierrors.IsForbidden(err): // a cluster issuer; the checks that need it are left to the controller
		p.warnf("note: %v; whether the credentials were refused for its customer is not checked",
			actions.ExplainIssuer(err, reference.Kind, namespace, reference.Name))
	case err != nil:
		return nil, actions.ExplainIssuer(err, reference.Kind, namespace, reference.Name)
	}
	found.issuer = find.Describe(reference.Kind, reference.Name, issuer)
	spec := &v1alpha1.VeroIssuerSpec{}
	if issuer != nil {
		spec = issuer.VeroSpec()
	}
	drawnOn := secrets.TransferName(certificate, &cmapi.CertificateRequest{}, spec)
	switch {
	case found.secret == "":
		found.secret = drawnOn
	case drawnOn != "" && drawnOn != found.secret:
		return nil, fmt.Errorf("the Certificate %s draws on Secret %s, not on %s: leave --secret out, or name that one in "+
			"its "+
			"annotation %s", name, drawnOn, found.secret, v1alpha1.AnnotationTransferSecret)
	}
	if found.secret == "" {
		return nil, fmt.Errorf("neither Certificate %s nor %s %s names a Secret: `kubectl annotate certificate -n %s %s "+
			"%s=NAME` does, or say which it is with --secret", name, reference.Kind, reference.Name, namespace, name,
			v1alpha1.AnnotationTransferSecret)
	}
	return found, nil
}

// check judges the credentials as the issuer would: whether the service can take them, and whether they were spent.
func (s *transferSecret) check(ctx context.Context, access client.Client, transfer secrets.Transfer) error {
	list := &v1alpha1.VeroOrderList{}
	if err := access.List(ctx, list, client.InNamespace(s.certificate.Namespace)); err != nil {
		return cluster.Explain(err, "list", veroOrders, s.certificate.Namespace, "list VeroOrders")
	}
	// One that waits to be sent for this Certificate is what they are for.
	orders := slices.DeleteFunc(list.Items, func(order v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderPending && !orderstate.IntendedByCreation(&order) &&
			order.Annotations[cmapi.CertificateNameKey] == s.certificate.Name
	})
	problem := plan.Snapshot{
		Issuer: s.issuer, Orders: orders, Transfer: facts.Transfer{
			SecretName: s.secret, IDDigest: transfer.IDDigest(), Fingerprint: transfer.Fingerprint(),
		},
	}.CredentialsProblem()
	if problem != "" {
		return fmt.Errorf("these were not written: %s", problem)
	}
	return nil
}

// askTransfer asks the person, or reads what was handed down.
func (p *program) askTransfer(options credentialsOptions) (secrets.Transfer, error) {
	id, password, err := p.askPair(options, "TransferId", "TransferPassword")
	if err != nil {
		return secrets.Transfer{}, err
	}
	return secrets.NewTransfer(id, password)
}

func (p *program) askPair(options credentialsOptions, first, second string) (one, other string, err error) {
	if options.descriptor.value == 0 && p.Terminal != nil {
		if one, err = p.Terminal.AskHidden(first + ": "); err == nil {
			other, err = p.Terminal.AskHidden(second + ": ")
		}
		if err != nil {
			return "", "", fmt.Errorf("nothing was written: %w", err)
		}
		return one, other, nil
	}
	from := p.Streams.In
	if options.descriptor.value != 0 {
		opened := p.Descriptor(options.descriptor.value)
		defer opened.Close()
		from = opened
	}
	const longest = 4096
	lines := bufio.NewReader(io.LimitReader(from, longest))
	if one, err = lines.ReadString('\n'); err == nil {
		other, err = lines.ReadString('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", "", fmt.Errorf("%s and %s cannot be read, and nothing was written: %w: see whether the shell opens the "+
			"descriptor, as with `--from-fd 3 3< letter`", first, second, err)
	}
	if trimLine(other) == "" {
		return "", "", fmt.Errorf("%s and %s are expected in a line each; nothing was written", first, second)
	}
	return trimLine(one), trimLine(other), nil
}

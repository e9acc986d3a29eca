package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const messagesPasswords = "messagespasswords." + v1alpha1.GroupName

// condition is one of our kinds.
type condition = metav1.Condition

func (p *program) rotate() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate NAME",
		Short: "Have a password rotated now",
		Long: "Have the password of a MessagesPassword rotated now, whatever spec.window says. No Secret is read: the " +
			"controller makes the new password.",
		Example:           "  kubectl varmenne rotate -n messages payroll",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeRows(v1alpha1.KindMessagesPassword, isAny),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.demandRotation(command.Context(), arguments[0])
		},
	}
}

func (p *program) demandRotation(ctx context.Context, name string) error {
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	password := &v1alpha1.MessagesPassword{}
	if err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, password); err != nil {
		return cluster.Explain(err, "get", messagesPasswords, namespace, "get MessagesPassword "+name)
	}
	status := &password.Status
	switch demanded := password.Annotations[v1alpha1.AnnotationRotate]; {
	case password.Spec.Suspend:
		return fmt.Errorf("MessagesPassword %s is suspended, and demands wait, too: set spec.suspend to false first", name)
	case demanded != "" && demanded != status.LastHandledDemand:
		return fmt.Errorf("a rotation of MessagesPassword %s was demanded already, and is not made yet: %s", name,
			actions.ReadyMessage(status.Conditions))
	}
	demand := p.Clock.Now().UTC().Format(time.RFC3339Nano)
	if err := actions.Annotate(ctx, access, password, v1alpha1.AnnotationRotate, demand); err != nil {
		return actions.ExplainConflict(err, messagesPasswords, "MessagesPassword", password)
	}
	if status.State != v1alpha1.MessagesPasswordIdle && status.State != "" {
		p.sayf("MessagesPassword %s/%s: a rotation is in flight (%s), and another one follows it.", namespace, name,
			status.State)
	} else {
		p.sayf("MessagesPassword %s/%s: a rotation is demanded.", namespace, name)
	}
	p.sayf("How it goes: kubectl varmenne why -n %s messagespassword/%s", namespace, name)
	return nil
}

func (p *program) notice() *cobra.Command {
	var sent bool
	command := &cobra.Command{
		Use:   "notice NAME",
		Short: "Print the mail that tells of a changed certificate, or say that it was sent",
		Long: "Print the mail that somebody has to get because a TrackedCertificate has changed, with recipient, subject " +
			"and " +
			"the new certificate, as a mail program takes it. --sent says that it was sent, after which nobody is reminded " +
			"of this change any more.",
		Example: "  kubectl varmenne notice -n stamping via > notice.eml\n" +
			"  kubectl varmenne notice -n stamping via --sent",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeRows(overview.KindTrackedCertificate, isNoticeDue),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.tellChange(command.Context(), arguments[0], sent)
		},
	}
	command.Flags().BoolVar(&sent, "sent", false, "the mail was sent")
	return command
}

func (p *program) tellChange(ctx context.Context, name string, sent bool) error {
	access, namespace, err := p.connect()
	if err != nil {
		return err
	}
	tracked := &v1alpha1.TrackedCertificate{}
	if err := access.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, tracked); err != nil {
		return cluster.Explain(err, "get", actions.TrackedCertificates, namespace, "get TrackedCertificate "+name)
	}
	if err := actions.RefuseNotice(tracked); err != nil {
		return err
	}
	if !sent {
		_, err := p.Streams.Out.Write(actions.Mail(tracked))
		return err
	}
	if err := actions.Acknowledge(ctx, access, tracked); err != nil {
		return err
	}
	p.sayf("TrackedCertificate %s/%s: %s knows of the certificate with serial number %s.", namespace, name,
		tracked.Status.Notice.To, tracked.Status.SerialNumber)
	return nil
}

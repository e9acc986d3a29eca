package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Names of the part about Suomi.fi Messages.
const (
	mailNamespace = "mail"
	mailPassword  = "suomifi-messages"
	systemID      = "example-oy"
)

// rotate shows a password of Suomi.fi Messages that is rotated on demand, with the proof of it. No password is printed.
func (p person) rotate(ctx context.Context) error {
	fmt.Print("\nA password of Suomi.fi Messages that rotates by itself, in a process of its own.\n\n")
	if err := p.StartMessages(ctx, 1); err != nil {
		return err
	}
	before, err := p.openAccount(ctx)
	if err != nil {
		return err
	}
	const of = "kubectl -n " + mailNamespace + " "
	if err := p.run(ctx,
		of+"wait --for=condition=Ready messagespassword/"+mailPassword+" --timeout=2m",
		of+"get messagespasswords",
		of+"annotate messagespassword "+mailPassword+" "+v1alpha1.AnnotationRotate+"='Maija has left'",
		of+"wait --for=jsonpath='{.status.lastHandledDemand}'='Maija has left' messagespassword/"+mailPassword+
			" --timeout=2m",
		of+"get events --field-selector=involvedObject.name="+mailPassword+
			" -o custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message",
		of+"get messagespassword "+mailPassword+" -o jsonpath='{.status.lastRotationTime}{\"\\n\"}'",
	); err != nil {
		return err
	}
	return p.compare(ctx, before)
}

// openAccount has the simulator open an account, and gives its first password to a Secret and to the caller.
func (p person) openAccount(ctx context.Context) (string, error) {
	first := "Owner-1~" + rand.Text()
	account := admin.MessagesAccount{SystemID: systemID, Password: first, Events: 1}
	_, err := p.Service.CreateMessagesAccount(ctx, account)
	object, bundleErr := p.Service.MessagesPassword(ctx, mailNamespace, mailPassword)
	if err := errors.Join(err, bundleErr); err != nil {
		return "", err
	}
	object.APIVersion, object.Kind = v1alpha1.GroupVersion.String(), v1alpha1.KindMessagesPassword
	content, err := yaml.Marshal(object)
	if err != nil {
		return "", err
	}
	fmt.Printf("  Secret %s/%s has username %s and the password that the owner of the service has sent.\n",
		mailNamespace, mailPassword, systemID)
	if err := p.Client.Create(ctx, world.MessagesSecret(mailNamespace, mailPassword, systemID, first)); err != nil {
		return "", err
	}
	return first, errors.Join(
		p.write("messagespassword.yaml", content), p.run(ctx, "kubectl apply -f messagespassword.yaml"))
}

// compare asks the service which password it takes: that of the Secret, and not the one of before.
func (p person) compare(ctx context.Context, before string) error {
	secret := &corev1.Secret{}
	if err := p.Client.Get(ctx, client.ObjectKey{Namespace: mailNamespace, Name: mailPassword}, secret); err != nil {
		return err
	}
	old, oldErr := p.Service.VerifyMessagesPassword(ctx, systemID, before)
	now, nowErr := p.Service.VerifyMessagesPassword(ctx, systemID, string(secret.Data[v1alpha1.KeyPassword]))
	if err := errors.Join(oldErr, nowErr); err != nil {
		return err
	}
	if old.Current || !now.Current {
		return fmt.Errorf("the service takes the password of before: %t, and that of Secret %s: %t", old.Current,
			mailPassword, now.Current)
	}
	fmt.Printf("  The service takes the password that Secret %s has now, and does not take the one of before.\n",
		mailPassword)
	return nil
}

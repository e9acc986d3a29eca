package commands_test

import (
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// readMail reads a message as a mail program does.
func readMail(text string) (*received, error) {
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(message.Body)
	subject, wordErr := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err == nil {
		err = wordErr
	}
	return &received{Message: message, subject: subject, body: string(body)}, err
}

type received struct {
	*mail.Message

	subject, body string
}

// TestCredentialsAreCheckedBeforeTheyAreWritten as the issuer would, and nobody sees them.
func TestCredentialsAreCheckedBeforeTheyAreWritten(t *testing.T) {
	namespace := server.Namespace(t)
	spender := veroIn(t, namespace, "payroll").DeepCopy()
	spender.ObjectMeta, spender.Status.State = meta(namespace, "vero-2"), "Submitted"
	spender.Spec.Transfer.TransferIDDigest = secrets.Transfer{ID: "spent-already"}.IDDigest()
	create(t, spender, certificate(namespace, "manual", "ManualIssuer"))
	const password = "hunter2hunter2"
	for claim, c := range map[string]struct {
		typed     []string
		arguments []string
		says      []string
	}{
		"a password that is too long": {
			[]string{"id", password + password}, []string{"payroll"}, []string{"TransferPassword"}},
		"an id with what nobody sees": {[]string{"i\u200bd", password}, []string{"payroll"}, []string{"ZERO WIDTH SPACE"}},
		"an id that was spent": {[]string{"spent-already", password}, []string{"payroll"},
			[]string{"were not written", "were spent", "VeroOrder vero-2"}},
		"nothing at all":                {[]string{}, []string{"payroll"}, []string{"nothing was written"}},
		"a Certificate that needs none": {[]string{"id", password}, []string{"manual"}, []string{"takes no transfer"}},
		"one that does not exist":       {[]string{"id", password}, []string{"other"}, []string{`"other" not found`}},
		"another Secret than its own": {
			[]string{"id", password}, []string{"payroll", "--secret=x"}, []string{"draws on Secret"}},
		"a user who may not": {
			[]string{"id", password}, []string{"payroll", "--as=reader"}, []string{"you may not patch secrets"}},
	} {
		t.Run(claim, func(t *testing.T) {
			if strings.Contains(strings.Join(c.arguments, " "), "reader") {
				grant(t, "reader", namespace, rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io"},
					Resources: []string{"*"}, Verbs: []string{"get", "list"}})
			}
			run := &call{typed: c.typed}
			err := run.run(t, append([]string{"credentials", "-n", namespace}, c.arguments...)...)
			if must.Say(t, err, c.says...); err == nil {
				return
			}
			if strings.Contains(err.Error()+run.out.String()+run.err.String(), "hunter2") {
				t.Error("it shows the password")
			}
			if err := server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "vero-transfer"},
				&corev1.Secret{}); err == nil {
				t.Error("there is a Secret")
			}
		})
	}
}

// TestCredentialsAreWritten by somebody who may not read Secrets, into one that there is or not, and beside other keys.
func TestCredentialsAreWritten(t *testing.T) {
	namespace := server.Namespace(t)
	veroIn(t, namespace, "payroll")
	grant(t, "writer", namespace, rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io"},
		Resources: []string{"*"}, Verbs: []string{"get", "list"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create", "patch"}})
	secret := &corev1.Secret{}
	read := func() map[string][]byte {
		must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "vero-transfer"}, secret))
		return secret.Data
	}
	first := &call{typed: []string{"id-1", "one"}}
	must.Do(t, first.run(t, "credentials", "-n", namespace, "payroll", "--as=writer"))
	if data := read(); string(data["transferId"]) != "id-1" || string(data["transferPassword"]) != "one" {
		t.Errorf("the Secret has %s", data)
	}
	if strings.Contains(first.out.String()+first.err.String(), "id-1") {
		t.Errorf("it shows them: %s%s", first.out, first.err)
	}
	secret.Data["note"] = []byte("kept")
	must.Do(t, server.Client.Update(t.Context(), secret))
	second := &call{handed: map[uint]string{7: "id-2\r\ntwo"}}
	must.Do(t, second.run(t, "credentials", "-n", namespace, "payroll", "--from-fd=7", "--as=writer"))
	if data := read(); string(data["transferId"]) != "id-2" || string(data["transferPassword"]) != "two" ||
		string(data["note"]) != "kept" {
		t.Errorf("the Secret has %s", data)
	}
	secret.Immutable = new(true)
	must.Do(t, server.Client.Update(t.Context(), secret))
	third := &call{stdin: "id-3\nthree\n"}
	err := third.run(t, "credentials", "-n", namespace, "payroll")
	must.Say(t, err, "immutable")
	if strings.Contains(err.Error(), "three") || strings.Contains(err.Error(), "dGhyZWU") {
		t.Errorf("the error shows them: %v", err)
	}
}

// TestNoFlagTakesAPassword, where a list of processes would show it.
func TestNoFlagTakesAPassword(t *testing.T) {
	for _, verb := range commands.New(commands.Options{}).Commands() {
		for _, name := range []string{"transfer-id", "transfer-password", "id", "secret-value"} {
			if verb.Flags().Lookup(name) != nil {
				t.Errorf("%s takes --%s", verb.Name(), name)
			}
		}
	}
}

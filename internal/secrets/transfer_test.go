package secrets_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// id and password are what the tests look for in errors, and must not find.
const (
	id       = "12345678901"
	password = "kq7Rz-49xWbT"
)

func secret(namespace, name string, data map[string]string) *corev1.Secret {
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for key, value := range data {
		object.Data[key] = []byte(value)
	}
	return object
}

// anySecret makes one with a name that nobody else has.
func anySecret(t *testing.T, namespace string, data map[string]string) *corev1.Secret {
	t.Helper()
	object := secret(namespace, "", data)
	object.GenerateName = "any-"
	server.Create(t, object)
	return object
}

func transferData(id, password string) map[string]string {
	return map[string]string{"transferId": id, "transferPassword": password}
}

func TestTransferCredentialsAreRead(t *testing.T) {
	namespace := server.Namespace(t)
	for claim, data := range map[string]map[string]string{
		"as they are":                         transferData(id, password),
		"without a line end behind":           transferData(id+"\n", password+"\n"),
		"without a line end of another world": transferData(id+"\r\n", password+"\r\n"),
		"beside other keys":                   {"transferId": id, "transferPassword": password, "note": "from the letter"},
	} {
		t.Run(claim, func(t *testing.T) {
			object := anySecret(t, namespace, data)
			transfer, err := secrets.ReadTransfer(t.Context(), server.Client, named(object))
			if err != nil || transfer.ID != id || transfer.Password.Reveal() != password {
				t.Errorf("read %q, %q, %v", transfer.ID, transfer.Password.Reveal(), err)
			}
		})
	}
}

func named(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

func TestTransferCredentialsThatCannotBeUsed(t *testing.T) {
	namespace := server.Namespace(t)
	for claim, c := range map[string]struct {
		data map[string]string
		says string
	}{
		"an empty Secret":             {map[string]string{}, "lacks transferId and transferPassword"},
		"a Secret without the id":     {map[string]string{"transferPassword": password}, "lacks transferId:"},
		"a Secret without a password": {map[string]string{"transferId": id}, "lacks transferPassword:"},
		"an empty value":              {transferData(id, ""), "lacks transferPassword:"},
		"nothing but a line end":      {transferData(id, "\n"), "TransferPassword is empty"},
		"two line ends": {
			transferData(id, password+"\n\n"), "TransferPassword contains U+000A LINE FEED at 13",
		},
		"white space before":          {transferData(id, " "+password), "TransferPassword contains U+0020 SPACE at 1"},
		"an id that is too long":      {transferData(strings.Repeat(id, 3), password), "TransferId has 33 characters"},
		"a password that is too long": {transferData(id, password+password), "TransferPassword has 24 characters"},
		"a forbidden sequence":        {transferData(id, password+"--"), "TransferPassword contains --"},
		"another forbidden sequence":  {transferData(id+"/*", password), "TransferId contains /*"},
		"what is no UTF-8":            {transferData(id, password+"\xff"), "a byte that is not UTF-8 at 13"},
		"a zero-width space": {
			transferData(id[:3]+"\u200B"+id[3:], password), "TransferId contains U+200B ZERO WIDTH SPACE at 4"},
		"two mistakes at once": {transferData(id+"/*", password+"\t"), "; TransferPassword contains U+0009 TAB at 13"},
	} {
		t.Run(claim, func(t *testing.T) {
			object := anySecret(t, namespace, c.data)
			_, err := secrets.ReadTransfer(t.Context(), server.Client, named(object))
			checkUnusable(t, err, named(object), c.says)
		})
	}
	t.Run("a Secret that does not exist", func(t *testing.T) {
		name := types.NamespacedName{Namespace: namespace, Name: "missing"}
		_, err := secrets.ReadTransfer(t.Context(), server.Client, name)
		checkUnusable(t, err, name, "does not exist: create it with the keys transferId and transferPassword")
	})
	t.Run("a name that no Secret can have", func(t *testing.T) {
		for _, impossible := range []string{"", "../other", "Upper", "a/b", "a b"} {
			name := types.NamespacedName{Namespace: namespace, Name: impossible}
			_, err := secrets.ReadTransfer(t.Context(), server.Client, name)
			checkUnusable(t, err, name, "is no name of a Secret")
		}
	})
	t.Run("a Secret that may not be read", func(t *testing.T) {
		object := secret(namespace, "closed", transferData(id, password))
		server.Create(t, object)
		_, err := secrets.ReadTransfer(t.Context(), server.As(t, "nobody"), named(object))
		checkUnusable(t, err, named(object), "allow its ServiceAccount to get Secrets in namespace "+namespace)
	})
}

func checkUnusable(t *testing.T, err error, name types.NamespacedName, says string) {
	t.Helper()
	unusable, ok := errors.AsType[*secrets.UnusableError](err)
	if !ok {
		t.Fatalf("the error is %T: %v", err, err)
	}
	if unusable.Secret != name || !strings.Contains(err.Error(), says) ||
		!strings.HasPrefix(err.Error(), "Secret "+name.String()+" ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error does not say %q of %s in one line: %v", says, name, err)
	}
	if strings.Contains(err.Error(), id) || strings.Contains(err.Error(), password) {
		t.Errorf("the error shows a value: %v", err)
	}
}

func TestErrorsOfTheServerAreNoProblemsOfTheSecret(t *testing.T) {
	name := types.NamespacedName{Namespace: "default", Name: "any"}
	ctx, cancel := contextThatEnds(t)
	cancel()
	_, err := secrets.ReadTransfer(ctx, server.Client, name)
	if _, unusable := errors.AsType[*secrets.UnusableError](err); err == nil || unusable {
		t.Errorf("a call that was cut off says %v", err)
	}
	if identity, err := secrets.ReadIdentity(ctx, server.Client, name); err == nil {
		t.Errorf("a call that was cut off says %q", identity.Problem)
	}
}

func TestDigestAndFingerprint(t *testing.T) {
	one := secrets.Transfer{ID: id, Password: protocol.NewPassword(password)}
	corrected := secrets.Transfer{ID: id, Password: protocol.NewPassword(password + "!")}
	other := secrets.Transfer{ID: id + "2", Password: one.Password}
	if len(one.IDDigest()) != 64 || one.IDDigest() != corrected.IDDigest() || one.IDDigest() == other.IDDigest() {
		t.Error("the digest is not that of the id")
	}
	if one.Fingerprint() == corrected.Fingerprint() || one.Fingerprint() == other.Fingerprint() {
		t.Error("the fingerprint does not tell passwords, or ids, apart")
	}
	if strings.Contains(one.IDDigest()+one.Fingerprint(), id) {
		t.Error("the id shows")
	}
}

// verbs are all that fmt knows but those for the type and the address, and one that it does not know.
const verbs = "vtbcoOdqxXUeEfFgGsy"

// checkRedacted prints a value in every way, and looks for texts that must not show.
func checkRedacted(t *testing.T, value any, hidden ...string) {
	t.Helper()
	printed := make([]string, 0, 100)
	for _, flags := range []string{"", "+", "#", " "} {
		for _, verb := range verbs {
			printed = append(printed, fmt.Sprintf("%"+flags+string(verb), value))
		}
	}
	data := must.Get(json.Marshal(map[string]any{"value": value, "list": []any{value}}))(t)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("text", "value", value)
	nested := slog.GroupValue(slog.Any("value", value))
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("json", "value", value, "nested", nested)
	printed = append(printed, string(data), logged.String(), fmt.Sprint(value), fmt.Sprint([]any{value}))
	for _, text := range printed {
		for _, secret := range hidden {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows %q", text, secret)
			}
		}
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("%q does not say that it is redacted", text)
		}
	}
}

// checkHidden prints a value in the two ways in which fmt does not ask its methods.
func checkHidden(t *testing.T, value any, hidden ...string) {
	t.Helper()
	holder := struct{ hidden any }{value}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v", holder, holder, holder), fmt.Sprintf("%s %d %x", holder, holder, holder),
	} {
		for _, secret := range hidden {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows %q", text, secret)
			}
		}
	}
}

func TestTransferIsRedacted(t *testing.T) {
	transfer := secrets.Transfer{ID: id, Password: protocol.NewPassword(password)}
	checkRedacted(t, transfer, id, password)
	checkRedacted(t, &transfer, id, password)
	checkHidden(t, transfer, password)
}

func TestTransferSecretName(t *testing.T) {
	annotated := func(name string) map[string]string {
		return map[string]string{v1alpha1.AnnotationTransferSecret: name}
	}
	certificate := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{UID: types.UID("1"), Annotations: annotated("new")}}
	plain := &cmapi.Certificate{}
	request := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Annotations: annotated("copied")}}
	bare := &cmapi.CertificateRequest{}
	issuer := &v1alpha1.VeroIssuerSpec{TransferSecretRef: &v1alpha1.TransferSecretReference{Name: "default"}}
	for claim, c := range map[string]struct {
		certificate *cmapi.Certificate
		request     *cmapi.CertificateRequest
		issuer      *v1alpha1.VeroIssuerSpec
		want        string
	}{
		"the Certificate's annotation is newer than the request's copy": {certificate, request, issuer, "new"},
		"the request's own comes next":                                  {plain, request, issuer, "copied"},
		"also where nobody stands behind it":                            {nil, request, issuer, "copied"},
		"then the issuer's default":                                     {plain, bare, issuer, "default"},
		"then none":                                                     {plain, bare, &v1alpha1.VeroIssuerSpec{}, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := secrets.TransferName(c.certificate, c.request, c.issuer); got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
			if named := secrets.NamesTransfer(c.certificate); named != (c.want == "new") {
				t.Errorf("the Certificate names it itself: %t", named)
			}
		})
	}
}

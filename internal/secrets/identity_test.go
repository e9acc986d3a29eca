package secrets_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

func TestIdentityIsRead(t *testing.T) {
	namespace := server.Namespace(t)
	root := pkitest.Root(t, "root")
	leaf := root.Issue(t, pkitest.Key("leaf"), "0123456-7")
	earlier := root.Issue(t, pkitest.Key("leaf"), "0123456-7",
		pkitest.Dates(pkitest.NotBefore, leaf.NotAfter.AddDate(-1, 0, 0)))
	object := secret(namespace, "tls", map[string]string{ // as openssl pkcs12 and a Windows editor leave it
		"tls.crt": "\uFEFFBag Attributes\n    localKeyID: 01\n" +
			string(pkitest.PEM(root.Certificate, earlier, leaf, earlier)),
		"tls.key": "\uFEFF" + string(pkitest.KeyPEM(t, "leaf")), "ca.crt": "?",
	})
	server.Create(t, object)
	identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, named(object)))(t)
	if identity.SecretName != "tls" || !identity.Leaf.Equal(leaf) || identity.Problem != "" {
		t.Errorf("read %q, %v, %q", identity.SecretName, identity.Leaf, identity.Problem)
	}
	if !identity.Unreadable {
		t.Error("cert-manager would read it as it is")
	}
	if !pkitest.Key("leaf").PublicKey.Equal(identity.Key().Public()) {
		t.Error("the key is another one")
	}
}

// TestWhatCertManagerDoesNotReadIsTold, and found out without a look at any key but the one that is used: one that
// takes minutes to read may stand behind it.
func TestWhatCertManagerDoesNotReadIsTold(t *testing.T) {
	namespace := server.Namespace(t)
	root := pkitest.Root(t, "root")
	leaf := string(pkitest.PEM(root.Issue(t, pkitest.Key("leaf"), "0123456-7")))
	authority, key := string(pkitest.PEM(root.Certificate)), string(pkitest.KeyPEM(t, "leaf"))
	spoiled := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pkitest.Unreadable(t)}))
	for claim, c := range map[string]struct {
		certificate, key string
		unreadable       bool
	}{
		"plain PEM":                       {leaf, key, false},
		"with its authority behind it":    {leaf + authority, key, false},
		"its authority in front":          {authority + leaf, key, true},
		"one that cannot be read":         {spoiled + leaf, key, true},
		"a byte order mark":               {"\uFEFF" + leaf, key, true},
		"a byte order mark in the key":    {leaf, "\uFEFF" + key, true},
		"a mark, and a large key behind":  {leaf, "\uFEFF" + key + string(largeKey(t)), true},
		"indented, as YAML is often kept": {strings.ReplaceAll(leaf, "-----BEGIN", "  -----BEGIN"), key, true},
	} {
		object := anySecret(t, namespace, map[string]string{"tls.crt": c.certificate, "tls.key": c.key})
		identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, named(object)))(t)
		if identity.Problem != "" || identity.Unreadable != c.unreadable {
			t.Errorf("%s: unreadable %t, problem %q", claim, identity.Unreadable, identity.Problem)
		}
	}
}

func TestIdentityThatCannotBeUsed(t *testing.T) {
	namespace := server.Namespace(t)
	leaf := string(pkitest.PEM(pkitest.Root(t, "root").Issue(t, pkitest.Key("leaf"), "0123456-7")))
	key, otherKey := string(pkitest.KeyPEM(t, "leaf")), string(pkitest.KeyPEM(t, "another"))
	const unfit = "holds a certificate and a key that do not fit together: none of the certificates is for that key"
	const noCertificate = "holds in tls.crt no certificate in PEM that can be read"
	const noKey = "holds in tls.key no private key in PEM that can be read"
	const encrypted = "holds in tls.key a private key with a passphrase: take it away with " +
		"`openssl pkey -in OLD -out NEW`, and put the new file there"
	for claim, c := range map[string]struct {
		data map[string]string
		says string
	}{
		"an empty Secret":      {nil, "holds no certificate with its key"},
		"no certificate":       {map[string]string{"tls.key": key}, "holds no certificate with its key"},
		"no key":               {map[string]string{"tls.crt": leaf}, "holds no certificate with its key"},
		"white space":          {map[string]string{"tls.crt": " \n", "tls.key": key}, "holds no certificate with its key"},
		"another key":          {map[string]string{"tls.crt": leaf, "tls.key": otherKey}, unfit},
		"no PEM certificate":   {map[string]string{"tls.crt": "x", "tls.key": key}, noCertificate},
		"no PEM key":           {map[string]string{"tls.crt": leaf, "tls.key": "x"}, noKey},
		"a key as certificate": {map[string]string{"tls.crt": key, "tls.key": key}, noCertificate},
		"a key too large to be read in time": {
			map[string]string{"tls.crt": leaf, "tls.key": string(largeKey(t))}, noKey},
		"half a key": {map[string]string{"tls.crt": leaf, "tls.key": key[:400]}, noKey},
		"a key with a passphrase": {map[string]string{"tls.crt": leaf,
			"tls.key": strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")}, encrypted},
		"a key with a passphrase of old": {map[string]string{"tls.crt": leaf, "tls.key": strings.Replace(key, "KEY-----\n",
			"KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", 1)}, encrypted},
	} {
		t.Run(claim, func(t *testing.T) {
			object := anySecret(t, namespace, c.data)
			identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, named(object)))(t)
			checkNoIdentity(t, identity, "Secret "+named(object).String()+" "+c.says)
			if strings.Contains(identity.Problem, key[40:80]) {
				t.Errorf("the problem shows a private key: %s", identity.Problem)
			}
		})
	}
	t.Run("a Secret that does not exist", func(t *testing.T) {
		name := types.NamespacedName{Namespace: namespace, Name: "missing"}
		identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, name))(t)
		checkNoIdentity(t, identity, "Secret "+name.String()+" does not exist")
	})
	t.Run("a Secret that may not be read is an error: it may well hold a certificate", func(t *testing.T) {
		name := types.NamespacedName{Namespace: namespace, Name: "closed"}
		if identity, err := secrets.ReadIdentity(t.Context(), server.As(t, "nobody"), name); err == nil {
			t.Errorf("it says %q", identity.Problem)
		}
	})
}

// largeKey is a key that can be read, with an attribute of 10 kB.
func largeKey(t *testing.T) []byte {
	t.Helper()
	block, _ := pem.Decode(pkitest.KeyPEM(t, "leaf"))
	var key asn1.RawValue
	must.Get(asn1.Unmarshal(block.Bytes, &key))(t)
	attribute := asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: make([]byte, 10<<10)}
	der := must.Get(asn1.Marshal(attribute))(t)
	block.Bytes = must.Get(asn1.Marshal(asn1.RawValue{
		Tag: asn1.TagSequence, IsCompound: true, Bytes: append(key.Bytes, der...),
	}))(t)
	return pem.EncodeToMemory(block)
}

func checkNoIdentity(t *testing.T, identity *secrets.Identity, problem string) {
	t.Helper()
	if identity.Leaf != nil || identity.Key() != nil || identity.Problem != problem {
		t.Errorf("read a leaf: %t, with the problem %q, want %q", identity.Leaf != nil, identity.Problem, problem)
	}
}

func TestIdentityIsRedacted(t *testing.T) {
	namespace := server.Namespace(t)
	leaf := pkitest.Root(t, "root").Issue(t, pkitest.Key("leaf"), "0123456-7")
	object := secret(namespace, "tls", map[string]string{
		"tls.crt": string(pkitest.PEM(leaf)), "tls.key": string(pkitest.KeyPEM(t, "leaf")),
	})
	server.Create(t, object)
	identity := must.Get(secrets.ReadIdentity(t.Context(), server.Client, named(object)))(t)
	key := pkitest.Key("leaf")
	private := []string{
		key.D.String(), fmt.Sprintf("%x", key.D), key.Primes[0].String(),
		base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(key))[400:440],
	}
	hidden := append([]string{"0123456-7", key.N.String()}, private...)
	checkRedacted(t, identity, hidden...)
	checkRedacted(t, *identity, hidden...)
	checkHidden(t, *identity, private...)
}

package secrecy_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestASecretIsFoundInEveryFormInWhichItCouldBeTold(t *testing.T) {
	const password = "K7Q2M5ZT4XWLJ3RA"
	key := must.Get(rsa.GenerateKey(rand.Reader, 2048))(t)
	modern := must.Get(x509.MarshalPKCS8PrivateKey(key))(t)
	kept := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	l := &secrecy.Ledger{}
	if l.Check(nil) == nil {
		t.Error("a world without secrets has kept them")
	}
	l.KeepSecret(password, "password")
	l.KeepKey(kept, "key")
	for form, text := range map[string]string{
		"password: as it is":         "wrong password " + password + "!",
		"password: at the end":       "wrong password " + password,
		"password: in base64":        base64.StdEncoding.EncodeToString([]byte(password)),
		"password: in a base64 text": base64.StdEncoding.EncodeToString([]byte("<Password>" + password + "</Password>")),
		"password: in hexadecimal":   hex.EncodeToString([]byte(password)),
		"key: as it is":              string(kept),
		"key: in base64":             base64.StdEncoding.EncodeToString(append([]byte("key="), kept...)),
		"key: in JSON":               fmt.Sprintf("{%q: %q}", "key", kept),
		"key: in another PEM":        string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: modern})),
		"key: in base64 of its DER":  base64.StdEncoding.EncodeToString(modern),
		"key: as Go prints it":       fmt.Sprintf("%+v", key),
	} {
		what, _, _ := strings.Cut(form, ":")
		if found := l.GivenAway([]byte(text)); !slices.Equal(found, []string{what}) {
			t.Errorf("%s: found %v", form, found)
		}
		if l.Check(map[string][]byte{"log": []byte(text)}) == nil {
			t.Errorf("%s: the check finds nothing", form)
		}
	}
	public := &pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}
	if found := l.GivenAway(pem.EncodeToMemory(public)); found != nil {
		t.Errorf("the public key gives away %v", found)
	}
	for _, harmless := range []string{"", "short", password[:15], password[1:]} {
		if found := l.GivenAway([]byte(harmless)); found != nil {
			t.Errorf("%q gives away %v", harmless, found)
		}
	}
}

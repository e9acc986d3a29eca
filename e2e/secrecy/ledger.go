// Package secrecy keeps the secrets of a test's world, and looks for them in all that the world has left behind.
package secrecy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// prefix is how much of a form is looked up at every place of a text: thousands of secrets cost no more than one.
const prefix = 8

// Ledger holds texts that nobody may tell. The zero value is empty. It is safe for concurrent use.
type Ledger struct {
	mutex sync.Mutex
	// secrets are the forms of the secrets by how they begin, and what each gives away.
	secrets map[[prefix]byte]map[string]string
}

// KeepSecret keeps a value that nobody may tell, in all forms in which it could be told. It must not be shorter than
// leastSecret.
func (l *Ledger) KeepSecret(value, what string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.secrets == nil {
		l.secrets = map[[prefix]byte]map[string]string{}
	}
	for _, form := range forms([]byte(value)) {
		begin := [prefix]byte([]byte(form))
		if l.secrets[begin] == nil {
			l.secrets[begin] = map[string]string{}
		}
		l.secrets[begin][form] = what
	}
}

// KeepKey keeps a private key in PEM: a line of it, which is in every copy of the text, and its secret number, which is
// in every other encoding.
func (l *Ledger) KeepKey(text []byte, what string) {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 { // head, two lines of key at least, foot
		return
	}
	l.KeepSecret(lines[1+len(lines)/4], what)
	if number := secretNumber(text); len(number) > 0 {
		l.KeepSecret(string(number), what)
		l.KeepSecret(new(big.Int).SetBytes(number).String(), what)
	}
}

// leastSecret is how long a secret is at least: what is shorter could be anywhere by chance.
const leastSecret = 12

// WatchSecrets keeps every private key, and every password of Suomi.fi Messages, that ever comes into a Secret, also if
// it goes again, until the context ends; and how the tokens begin that the simulator gives for such passwords.
func (l *Ledger) WatchSecrets(ctx context.Context, config *rest.Config) error {
	l.KeepSecret(admin.MessagesTokenPrefix, "a token of Suomi.fi Messages")
	_, err := testkit.Watch(ctx, config, cache.Options{}, func(object any) {
		secret, ok := object.(*corev1.Secret)
		if !ok {
			return
		}
		of := " in Secret " + secret.Namespace + "/" + secret.Name
		l.KeepKey(secret.Data[corev1.TLSPrivateKeyKey], "the private key"+of)
		for _, key := range []string{v1alpha1.KeyPassword, v1alpha1.KeyNewPassword} {
			if value := string(secret.Data[key]); len(value) >= leastSecret {
				l.KeepSecret(value, "the "+key+of)
			}
		}
	}, &corev1.Secret{})
	return err
}

// lineEnds is what breaks a long value into lines, also inside a JSON text.
var lineEnds = strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "")

// GivenAway lists the secrets that a text gives away.
func (l *Ledger) GivenAway(text []byte) []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	unbroken := []byte(lineEnds.Replace(string(text)))
	var found []string
	for place := range max(0, len(unbroken)-prefix+1) {
		text := unbroken[place:]
		for form, what := range l.secrets[[prefix]byte(text)] {
			if bytes.HasPrefix(text, []byte(form)) && !slices.Contains(found, what) {
				found = append(found, what)
			}
		}
	}
	return found
}

// Check looks for the secrets in texts by where they are, and fails if there were none to be looked for.
func (l *Ledger) Check(told map[string][]byte) error {
	if len(l.secrets) == 0 {
		return errors.New("there were no secrets")
	}
	var failures []error
	for where, text := range told {
		for _, what := range l.GivenAway(text) {
			failures = append(failures, fmt.Errorf("%s gives away %s", where, what))
		}
	}
	return errors.Join(failures...)
}

// secretNumber is the private exponent of a key in PEM.
func secretNumber(text []byte) []byte {
	decoded, _ := keyutil.ParsePrivateKeyPEM(text) // Nothing, for what is no key.
	switch key := decoded.(type) {
	case *rsa.PrivateKey:
		return key.D.Bytes()
	case *ecdsa.PrivateKey:
		number, _ := key.Bytes() // Fails for curves that nobody uses.
		return number
	default:
		return nil
	}
}

// forms are a value as it is, in hexadecimal, and in base64 at every place of a longer text that was encoded with it.
func forms(value []byte) []string {
	hexadecimal := hex.EncodeToString(value)
	found := append(make([]string, 0, 6), string(value), hexadecimal, strings.ToUpper(hexadecimal))
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), value...))
		// The first digits hold bits of what comes before, and the last one may hold bits of what comes after.
		encoded = encoded[(before*8+5)/6:]
		if (before+len(value))%3 != 0 {
			encoded = encoded[:len(encoded)-1]
		}
		found = append(found, encoded)
	}
	return found
}

package stories

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// ledger is what the stories leave behind for the closing checks.
type ledger struct {
	mutex    sync.Mutex
	requests []admin.Request
	// secrets are texts that nobody may tell, and what they give away.
	secrets map[string]string
}

// remember keeps what a service was asked.
func (l *ledger) remember(asked []admin.Request) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.requests = append(l.requests, asked...)
}

// keepSecret keeps a value that nobody may tell, in all forms in which it could be told.
func (l *ledger) keepSecret(value, what string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.secrets == nil {
		l.secrets = map[string]string{}
	}
	for _, form := range forms([]byte(value)) {
		l.secrets[form] = what
	}
}

// keepKey keeps a private key: a line of its PEM, which is in every copy of the text, and its secret number, which is
// in every other encoding.
func (l *ledger) keepKey(text []byte, what string) {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 { // head, two lines of key at least, foot
		return
	}
	l.keepSecret(lines[1+len(lines)/4], what)
	block, _ := pem.Decode(text)
	if block == nil {
		return
	}
	if number := secretNumber(block.Bytes); len(number) > 0 {
		l.keepSecret(string(number), what)
		l.keepSecret(new(big.Int).SetBytes(number).String(), what)
	}
}

// lineEnds is what breaks a long value into lines, also inside a JSON text.
var lineEnds = strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "")

// givenAway lists the secrets that a text gives away.
func (l *ledger) givenAway(text []byte) []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	unbroken := lineEnds.Replace(string(text))
	var found []string
	for form, what := range l.secrets {
		if strings.Contains(unbroken, form) && !slices.Contains(found, what) {
			found = append(found, what)
		}
	}
	return found
}

// secretNumber is the private exponent of a key in one of the encodings that cert-manager writes.
func secretNumber(der []byte) []byte {
	var decoded any
	var err error
	for _, parse := range []func([]byte) (any, error){
		func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
		x509.ParsePKCS8PrivateKey,
	} {
		if decoded, err = parse(der); err == nil {
			break
		}
	}
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

// watchSecrets keeps every private key that ever comes into a Secret, also if it goes again.
func (l *ledger) watchSecrets(ctx context.Context, config *rest.Config) error {
	watched, err := cache.New(config, cache.Options{})
	if err != nil {
		return err
	}
	informer, err := watched.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	keep := func(object any) {
		if secret, ok := object.(*corev1.Secret); ok {
			l.keepKey(secret.Data[corev1.TLSPrivateKeyKey], "the private key in Secret "+secret.Namespace+"/"+secret.Name)
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: keep, UpdateFunc: func(_, object any) { keep(object) },
	}); err != nil {
		return err
	}
	go func() { _ = watched.Start(ctx) }()
	if !watched.WaitForCacheSync(ctx) {
		return errors.New("the Secrets cannot be watched")
	}
	return nil
}

func TestASecretIsFoundInEveryFormInWhichItCouldBeTold(t *testing.T) {
	t.Parallel()
	const password = "K7Q2M5ZT4XWLJ3RA"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	modern, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	kept := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	l := &ledger{}
	l.keepSecret(password, "password")
	l.keepKey(kept, "key")
	for form, text := range map[string]string{
		"password: as it is":         "wrong password " + password + "!",
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
		if found := l.givenAway([]byte(text)); !slices.Equal(found, []string{what}) {
			t.Errorf("%s: found %v", form, found)
		}
	}
	public := &pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}
	if found := l.givenAway(pem.EncodeToMemory(public)); found != nil {
		t.Errorf("the public key gives away %v", found)
	}
}

package secrets_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
)

// contextThatEnds is the test's context with a cancel of its own.
func contextThatEnds(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// pemKey is a private key, as people paste it into the wrong place.
func inline(data []byte) v1alpha1.BundleSource { return v1alpha1.BundleSource{CABundle: data} }

func fromConfigMap(name, key string) v1alpha1.BundleSource {
	return v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: name, Key: key}}
}

func fromSecret(name, key string) v1alpha1.BundleSource {
	return v1alpha1.BundleSource{SecretKeyRef: &v1alpha1.BundleReference{Name: name, Key: key}}
}

func TestBundlesAreRead(t *testing.T) {
	namespace := server.Namespace(t)
	root := pkitest.Root(t, "root")
	issuing := root.Intermediate(t, "issuing CA")
	bundle := pkitest.PEM(root.Certificate, issuing.Certificate)
	given := must.Get(pki.NewTrust([]*x509.Certificate{root.Certificate, issuing.Certificate}))(t)
	server.Create(t,
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "text"},
			Data:       map[string]string{"ca.crt": string(bundle), "other.pem": string(bundle)},
		},
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bytes"},
			BinaryData: map[string][]byte{"ca.crt": bundle},
		},
		secret(namespace, "secret", map[string]string{"ca.crt": string(bundle)}))
	for claim, source := range map[string]v1alpha1.BundleSource{
		"written into the issuer":            inline(bundle),
		"from a ConfigMap":                   fromConfigMap("text", "other.pem"),
		"from a ConfigMap, default key":      fromConfigMap("text", ""),
		"from the binaryData of a ConfigMap": fromConfigMap("bytes", "ca.crt"),
		"from a Secret":                      fromSecret("secret", "ca.crt"),
	} {
		t.Run(claim, func(t *testing.T) {
			trust := &v1alpha1.VeroTrust{TLS: &source, Responses: source, Issuance: source}
			bundles := must.Get(secrets.ReadBundles(t.Context(), server.Client, trust, namespace))(t)
			read := []string{bundles.Responses.Digest(), bundles.Issuance.Digest()}
			if len(bundles.TLS) != 2 || read[0] != given.Digest() || read[1] != given.Digest() {
				t.Errorf("read %d certificates for TLS, and bundles %q, want %s", len(bundles.TLS), read, given.Digest())
			}
		})
	}
	t.Run("no TLS bundle means the system's roots", func(t *testing.T) {
		trust := &v1alpha1.VeroTrust{Responses: inline(bundle), Issuance: inline(bundle)}
		bundles, err := secrets.ReadBundles(t.Context(), server.Client, trust, namespace)
		if err != nil || bundles.TLS != nil {
			t.Errorf("read %v, %v", bundles.TLS, err)
		}
	})
}

func TestBundlesThatCannotBeUsed(t *testing.T) {
	namespace := server.Namespace(t)
	good := pkitest.PEM(pkitest.Root(t, "root").Certificate)
	key := pkitest.KeyPEM(t, "root")
	server.Create(t,
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trust"},
			Data:       map[string]string{"empty": "", "with-key": string(good) + string(key)},
		},
		secret(namespace, "trust", map[string]string{"with-key": string(good) + string(key)}))
	place := namespace + "/"
	for claim, c := range map[string]struct {
		source  v1alpha1.BundleSource
		missing bool
		says    string
	}{
		"no source":       {v1alpha1.BundleSource{}, false, "holds no PEM certificate"},
		"no PEM":          {inline([]byte("MII…")), false, "holds no PEM certificate, but something else"},
		"a cut off block": {inline(good[:len(good)/2]), false, "cut off"},
		"a private key": {
			inline(append(bytes.Clone(good), key...)), false, "block 2 is a private key: remove it",
		},
		"a private key, ConfigMap":  {fromConfigMap("trust", "with-key"), false, "block 2 is a private key"},
		"a private key, Secret":     {fromSecret("trust", "with-key"), false, "block 2 is a private key"},
		"an empty key of ConfigMap": {fromConfigMap("trust", "empty"), false, "holds no PEM certificate"},
		"no such ConfigMap": {
			fromConfigMap("none", "a"), true,
			".configMapKeyRef: ConfigMap " + place + "none does not exist: create it with the key a",
		},
		"no such Secret": {
			fromSecret("none", "a"), true, ".secretKeyRef: Secret " + place + "none does not exist"},
		"no such key, ConfigMap":    {fromConfigMap("trust", "a"), true, "ConfigMap " + place + "trust has no key a: add it"},
		"no such key, Secret":       {fromSecret("trust", ""), true, "Secret " + place + "trust has no key ca.crt: add it"},
		"a name that none can have": {fromSecret("../trust", "a"), true, "is no name of a Secret"},
	} {
		for field, trust := range map[string]*v1alpha1.VeroTrust{
			"spec.trust.tls":       {TLS: &c.source, Responses: inline(good), Issuance: inline(good)},
			"spec.trust.responses": {Responses: c.source, Issuance: inline(good)},
			"spec.trust.issuance":  {Responses: inline(good), Issuance: c.source},
		} {
			t.Run(claim+" in "+field, func(t *testing.T) {
				_, err := secrets.ReadBundles(t.Context(), server.Client, trust, namespace)
				checkBundleError(t, err, field, c.missing, c.says)
				if strings.Contains(err.Error(), string(key[40:80])) {
					t.Errorf("the error shows a private key: %v", err)
				}
			})
		}
	}
	t.Run("what may not be read", func(t *testing.T) {
		for _, source := range []v1alpha1.BundleSource{fromSecret("trust", "a"), fromConfigMap("trust", "a")} {
			_, err := secrets.ReadBundles(t.Context(), server.As(t, "nobody"),
				&v1alpha1.VeroTrust{Responses: source, Issuance: inline(good)}, namespace)
			checkBundleError(t, err, "spec.trust.responses", true, "allow its ServiceAccount to get")
		}
	})
	t.Run("a call that was cut off is no problem of the bundle", func(t *testing.T) {
		ctx, cancel := contextThatEnds(t)
		cancel()
		_, err := secrets.ReadBundles(ctx, server.Client,
			&v1alpha1.VeroTrust{Responses: fromSecret("trust", "a"), Issuance: inline(good)}, namespace)
		if _, unusable := errors.AsType[*secrets.BundleError](err); err == nil || unusable {
			t.Errorf("it says %v", err)
		}
	})
}

// held is an API server that answers nothing for a while.
type held struct {
	client.Reader

	reads   atomic.Int32
	arrived chan struct{}
}

func (h *held) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	h.reads.Add(1)
	h.arrived <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func TestTheBundlesOfAFewIssuersAreReadAtOnce(t *testing.T) {
	const few = 4
	reader := &held{arrived: make(chan struct{}, few+1)}
	trust := &v1alpha1.VeroTrust{Responses: fromConfigMap("trust", "a"), Issuance: fromConfigMap("trust", "a")}
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for range few {
		readers.Go(func() { _, _ = secrets.ReadBundles(ctx, reader, trust, "default") })
		<-reader.arrived
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := secrets.ReadBundles(ended, reader, trust, "default"); !errors.Is(err, context.Canceled) {
		t.Errorf("the one that is too many says %v", err)
	}
	if got := reader.reads.Load(); got != few {
		t.Errorf("%d are read at once, want %d", got, few)
	}
}

func checkBundleError(t *testing.T, err error, field string, missing bool, says string) {
	t.Helper()
	unusable, ok := errors.AsType[*secrets.BundleError](err)
	if !ok {
		t.Fatalf("the error is %T: %v", err, err)
	}
	if !strings.HasPrefix(unusable.Field, field) || unusable.Missing != missing || !strings.Contains(err.Error(), says) {
		t.Errorf("the error does not say %q of %s (missing: %t): %+v", says, field, missing, err)
	}
}

func TestDigestOfBundlesChangesWithEveryBundle(t *testing.T) {
	one, two := pkitest.PEM(pkitest.Root(t, "one").Certificate), pkitest.PEM(pkitest.Root(t, "two").Certificate)
	digest := func(tls, responses, issuance []byte) string {
		t.Helper()
		trust := &v1alpha1.VeroTrust{Responses: inline(responses), Issuance: inline(issuance)}
		if tls != nil {
			source := inline(tls)
			trust.TLS = &source
		}
		return must.Get(secrets.ReadBundles(t.Context(), server.Client, trust, "default"))(t).Digest()
	}
	seen := map[string]string{}
	for claim, got := range map[string]string{
		"plain":     digest(one, one, one),
		"no TLS":    digest(nil, one, one),
		"TLS":       digest(two, one, one),
		"responses": digest(one, two, one),
		"issuance":  digest(one, one, two),
		"swapped":   digest(one, two, two),
	} {
		if other, known := seen[got]; known {
			t.Errorf("%s has the digest of %s", claim, other)
		}
		seen[got] = claim
	}
	if _, known := seen[digest(one, two, one)]; !known {
		t.Error("the digest changes by itself")
	}
}

func TestBundleNamespace(t *testing.T) {
	own := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: "tax"}}
	if got := secrets.BundleNamespace(own, "varmenne-issuer"); got != "tax" {
		t.Errorf("that of an issuer is %s", got)
	}
	if got := secrets.BundleNamespace(&v1alpha1.VeroClusterIssuer{}, "varmenne-issuer"); got != "varmenne-issuer" {
		t.Errorf("that of a cluster issuer is %s", got)
	}
}

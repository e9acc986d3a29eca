package stories

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// caller is the program that the certificate is for. It connects to a provider of the Incomes Register again and again,
// each time with the Secret as it is at that moment.
type caller struct {
	testCase *testCase
	root     *x509.Certificate
	began    time.Time
	// hangUp ends the connecting.
	hangUp func()

	mutex       sync.Mutex
	connections int
	presented   []presentation
	failures    []error
}

// presentation is a state of the Secret that the provider has accepted: the certificate in it and its resourceVersion.
type presentation struct {
	serial, version string
}

// betweenCalls is how long the caller waits from one connection to the next.
const betweenCalls = 150 * time.Millisecond

// keepCalling starts a caller. The Secret has to hold a certificate by now.
func (s *testCase) keepCalling() *caller {
	s.Helper()
	c := &caller{testCase: s, root: s.rootOfService(), began: time.Now()}
	c.hangUp = testkit.Repeat(s, betweenCalls, c.connect)
	return c
}

// connect connects once. A connection that has begun is finished, also when it was the last one.
func (c *caller) connect(ctx context.Context) {
	presented, err := c.testCase.present(context.WithoutCancel(ctx), c.root)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.connections++
	switch {
	case err != nil:
		c.failures = append(c.failures, fmt.Errorf("connection %d, %s: %w",
			c.connections, time.Now().UTC().Format(time.RFC3339), err))
	case !slices.Contains(c.presented, presented):
		c.presented = append(c.presented, presented)
	}
}

// conclude ends the connecting, fails the test case unless every connection has succeeded, and returns the states of
// the Secret in the order in which they came.
func (c *caller) conclude(s *testCase) []presentation {
	s.Helper()
	c.hangUp()
	seconds := int(time.Since(c.began).Seconds())
	s.Logf("%d connections in %d s with %d states of the Secret, of which %d failed",
		c.connections, seconds, len(c.presented), len(c.failures))
	// Many more, if the machine has time for them.
	const longest = 5
	if c.connections < seconds/longest {
		s.Errorf("there were %d connections in %d s, want one in %d s at least", c.connections, seconds, longest)
	}
	const some = 5
	for _, failure := range c.failures[:min(len(c.failures), some)] {
		s.Error(failure)
	}
	if failed := len(c.failures); failed > some {
		s.Errorf("and %d more connections failed", failed-some)
	}
	return c.presented
}

// soFar is what the provider has accepted until now.
func (c *caller) soFar() []presentation {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.presented)
}

// serials are the serial numbers of the certificates, each once, in the order in which they came.
func serials(presented []presentation) []string {
	found := make([]string, 0, len(presented))
	for _, state := range presented {
		if !slices.Contains(found, state.serial) {
			found = append(found, state.serial)
		}
	}
	return found
}

// present connects with what is in the Secret now to a server that trusts the root and nothing else.
func (s *testCase) present(ctx context.Context, root *x509.Certificate) (presentation, error) {
	secret := &corev1.Secret{}
	if err := s.Client.Get(ctx, s.secretKey(), secret); err != nil {
		return presentation{}, err
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return presentation{}, fmt.Errorf("tls.crt and tls.key do not fit together: %w", err)
	}
	presented := presentation{serial: serialNumber(pair.Leaf), version: secret.ResourceVersion}
	found := &issued{pair: pair}
	if seen, err := found.call(root); err != nil || seen != customerID {
		return presented, fmt.Errorf("the server sees %q in certificate %s, want %s (%w)",
			seen, presented.serial, customerID, err)
	}
	return presented, nil
}

// secretKey is where the sample Certificate has its Secret.
func (s *testCase) secretKey() client.ObjectKey {
	s.Helper()
	return client.ObjectKey{Namespace: s.Namespace, Name: s.Certificate().Spec.SecretName}
}

// serialNumber is written as the service writes it.
func serialNumber(certificate *x509.Certificate) string {
	return fmt.Sprintf("%x", certificate.SerialNumber)
}

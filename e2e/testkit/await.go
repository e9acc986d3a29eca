// Package testkit is what the tests of several packages have in common, each thing once: to end on an error, to wait,
// to watch objects, to read conditions, to verify an issued chain, to read the API server's audit log, and to share one
// environment within a package.
package testkit

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// Timeout bounds every wait. It is far above what a busy machine needs; most waits take seconds.
	Timeout = 4 * time.Minute
	// Interval is how often a condition is looked at while it is waited for.
	Interval = 250 * time.Millisecond
)

// Eventually waits until a condition holds. It fails the test when that takes longer than Timeout, or the condition
// returns an error, with the text of describe; nil for none.
func Eventually(t testing.TB, what string, holds wait.ConditionWithContextFunc, describe func() string) {
	t.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	if err := wait.PollUntilContextCancel(ctx, Interval, true, holds); err != nil {
		description := ""
		if describe != nil {
			description = describe()
		}
		t.Fatalf("waited %s for %s: %v\n%s", time.Since(started).Round(time.Second), what, err, description)
	}
}

// AwaitReady waits until a Certificate is Ready, and returns it. It need not exist yet.
func AwaitReady(
	t testing.TB, reader client.Reader, namespace, name string, describe func() string,
) *cmapi.Certificate {
	t.Helper()
	certificate := &cmapi.Certificate{}
	Eventually(t, "Certificate "+namespace+"/"+name+" to be Ready", func(ctx context.Context) (bool, error) {
		err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, certificate)
		return err == nil && IsReady(certificate), client.IgnoreNotFound(err)
	}, describe)
	return certificate
}

// IsReady reports whether a Certificate is Ready as it is now, not as it was before a change of its spec.
func IsReady(certificate *cmapi.Certificate) bool {
	ready := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionReady)
	return ready != nil && ready.Status == cmmeta.ConditionTrue && ready.ObservedGeneration == certificate.Generation
}

// ReasonOf returns the reason of the condition Ready, and nothing while there is none.
func ReasonOf(conditions []metav1.Condition) string {
	if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// ContainsAll reports whether a message has all of the parts.
func ContainsAll(message string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(message, part) })
}

package app

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestWhatKeepsACacheFromFollowingIsCounted(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	series := must.Get(metrics.New(registry))(t)
	kind := schema.GroupResource{Group: v1alpha1.GroupName, Resource: "veroorders"}
	reflector := toolscache.NewReflector(
		&toolscache.ListWatch{}, &v1alpha1.VeroOrder{}, toolscache.NewStore(toolscache.MetaNamespaceKeyFunc), 0)
	handle := countWatchErrors(series)
	for _, err := range []error{
		apierrors.NewForbidden(kind, "", errors.New("no")), errors.New("connection refused"),
		// These end watches every day.
		io.EOF, fmt.Errorf("watch: %w", io.ErrUnexpectedEOF), apierrors.NewResourceExpired("too old resource version"),
	} {
		handle(t.Context(), reflector, err)
	}
	const want = "# HELP varmenne_watch_errors_total " +
		`Failures to list or watch objects of a kind. What changes is not seen until it works again.
# TYPE varmenne_watch_errors_total counter
varmenne_watch_errors_total{kind="CertificateRequest"} 0
varmenne_watch_errors_total{kind="ManualClusterIssuer"} 0
varmenne_watch_errors_total{kind="ManualIssuer"} 0
varmenne_watch_errors_total{kind="ManualOrder"} 0
varmenne_watch_errors_total{kind="TrackedCertificate"} 0
varmenne_watch_errors_total{kind="VeroClusterIssuer"} 0
varmenne_watch_errors_total{kind="VeroIssuer"} 0
varmenne_watch_errors_total{kind="VeroOrder"} 2
`
	must.Do(t, testutil.GatherAndCompare(registry, strings.NewReader(want), "varmenne_watch_errors_total"))
}

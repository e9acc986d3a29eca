package gate

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

// TestACacheThatLagsBehindWhatWasWrittenIsNotBelieved, and one that knows what somebody else has written is.
func TestACacheThatLagsBehindWhatWasWrittenIsNotBelieved(t *testing.T) {
	version := func(uid types.UID, version string) metav1.ObjectMeta {
		return metav1.ObjectMeta{UID: uid, ResourceVersion: version}
	}
	known := newKept()
	write := func(before, after string) {
		known.keep(&cmapi.CertificateRequest{ObjectMeta: version("one", after)}, before)
	}
	expect := func(claim string, cached metav1.ObjectMeta, want string) {
		t.Helper()
		found := known.find(&outline.CertificateRequest{ObjectMeta: cached})
		if (found != nil) != (want != "") || found != nil && found.ResourceVersion != want ||
			known.is(&outline.CertificateRequest{ObjectMeta: cached}) != (want != "") {
			t.Errorf("%s: found %v, want version %q", claim, found, want)
		}
	}
	expect("before anything was read", version("one", "5"), "")
	write("5", "6")
	write("6", "7")
	expect("once it has caught up", version("one", "7"), "7")
	expect("between two writes", version("one", "6"), "7")
	expect("before both", version("one", "5"), "7")
	expect("after somebody else", version("one", "8"), "")
	expect("of another request", version("two", "7"), "")
	told := func(from, to string) bool {
		return known.news(&outline.CertificateRequest{ObjectMeta: version("one", from)},
			&outline.CertificateRequest{ObjectMeta: version("one", to)})
	}
	for _, own := range [][2]string{{"4", "5"}, {"5", "6"}, {"6", "7"}, {"5", "7"}} {
		if told(own[0], own[1]) {
			t.Errorf("that it is %s after %s, as was written, is news", own[1], own[0])
		}
	}
	if !told("7", "8") {
		t.Error("what somebody else has written is no news")
	}
	write("5", "6")
	write("6", "7")
	if !told("7", "5") {
		t.Error("that it has an earlier version again, as with a restored etcd, is no news")
	}
	expect("after that", version("one", "5"), "")
	write("6", "7")
	known.forget("one")
	expect("after a conflict", version("one", "7"), "")
}

// TestALargeRequestIsNotKept, nor one that is served, so that nobody fills the memory; what was written to it is no
// news all the same.
func TestALargeRequestIsNotKept(t *testing.T) {
	const large = 17 << 10
	for claim, c := range map[string]struct {
		change func(*cmapi.CertificateRequest)
		want   bool
	}{
		"a usual one": {func(*cmapi.CertificateRequest) {}, true},
		"with a large annotation": {func(r *cmapi.CertificateRequest) {
			r.Annotations["example.com/note"] = strings.Repeat("n", large)
		}, false},
		"with a large CSR": {func(r *cmapi.CertificateRequest) { r.Spec.Request = make([]byte, large) }, false},
		"written by many": {func(r *cmapi.CertificateRequest) {
			r.ManagedFields = make([]metav1.ManagedFieldsEntry, large)
		}, true},
		"one with its certificate": {func(r *cmapi.CertificateRequest) {
			status.SetIssued(r, []byte("leaf"), nil, "", time.Now())
		}, false},
	} {
		known := newKept()
		request := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{
			UID: "one", ResourceVersion: "6", Annotations: map[string]string{},
		}}
		c.change(request)
		known.keep(request, "5")
		for _, version := range []string{"5", "6"} {
			cached := &outline.CertificateRequest{ObjectMeta: metav1.ObjectMeta{UID: "one", ResourceVersion: version}}
			if found := known.find(cached); (found != nil) != c.want || !known.is(cached) {
				t.Errorf("%s, version %s: kept is %t, and known %t", claim, version, found != nil, known.is(cached))
			}
		}
	}
}

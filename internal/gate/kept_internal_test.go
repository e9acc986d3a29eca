package gate

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
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
	known.forget("one")
	expect("after a conflict", version("one", "7"), "")
}

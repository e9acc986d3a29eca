package stories

import (
	"golang.org/x/mod/semver"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// The versions of cert-manager since which something that a user sees is another way.
const (
	// sinceRequester names a column of `kubectl get certificaterequests` right.
	sinceRequester = "v1.16"
	// sinceRotation makes a new key for each renewal of a Certificate that does not say what it wants.
	sinceRotation = "v1.18"
)

// certManagerIs reports whether cert-manager has a version or a later one.
func (s *testCase) certManagerIs(version string) bool {
	s.Helper()
	return semver.Compare(must.Get(s.Cluster.CertManagerVersion())(s), version) >= 0
}

package request

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/status"
)

// credentialsInterval is how often transfer credentials are read again while the request waits for something else: they
// may be replaced, or go, and a Secret may not be watched.
const credentialsInterval = 10 * time.Minute

// unspent is where transfer credentials lie that nothing was bought with, and since when; zero if there are none.
type unspent struct {
	secret  string
	written time.Time
}

func unspentIn(snapshot issuance.Snapshot) unspent {
	if !snapshot.Unspent() {
		return unspent{}
	}
	return unspent{secret: snapshot.Transfer.SecretName, written: snapshot.Transfer.Written}
}

// next is in what time to look at them again; zero if never.
func (u unspent) next() time.Duration {
	if u.secret == "" {
		return 0
	}
	return credentialsInterval
}

// measure shows a request that has no certificate, and the credentials that wait with it, to those who watch from
// outside.
func (r *Reconciler) measure(request *cmapi.CertificateRequest, transition transition) {
	if status.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		r.Metrics.RequestServed(request.Namespace, request.Name)
		return
	}
	r.Metrics.RequestUnserved(request, whyUnserved(request, transition.reason))
	if transition.hindered {
		return // what credentials there are is not known
	}
	if transition.credentials.secret == "" {
		r.Metrics.CredentialsGone(request.Namespace, request.Name)
		return
	}
	r.Metrics.CredentialsUnspent(request, transition.credentials.secret, transition.credentials.written)
}

// whyUnserved is a reason of the API. Of a request that has ended it is what the request itself tells, so that it is
// the same after a restart.
func whyUnserved(request *cmapi.CertificateRequest, reason string) string {
	switch {
	case !status.IsFinal(request):
		return reason
	case status.IsTrue(request, cmapi.CertificateRequestConditionInvalidRequest):
		return v1alpha1.ReasonInvalidRequest
	default:
		return status.Find(request, cmapi.CertificateRequestConditionReady).Reason // Denied or Failed
	}
}

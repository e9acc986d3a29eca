package metrics

import (
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// Labels that name objects and say what is the matter with them.
const (
	labelNamespace   = "namespace"
	labelCertificate = "certificate"
	labelRequest     = "request"
	labelReason      = "reason"
)

// identity names the object that a value is about.
type identity struct {
	kind, namespace, name string
}

// state is a collector of one value for each object, with labels that change: the one before goes in the same moment,
// so that no scrape finds an object twice or not at all. Thousands of requests may wait, and a prometheus.Metric of
// each would take several times as much as what it is made of.
type state struct {
	description *prometheus.Desc
	mutex       sync.Mutex
	values      map[identity]value
}

// value of an object, and its labels in the order of the description.
type value struct {
	number float64
	labels []string
}

func newState(name, help string, labels ...string) *state {
	return &state{
		description: prometheus.NewDesc(name, help, labels, nil), values: map[identity]value{},
	}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- s.description }

// Collect implements prometheus.Collector.
func (s *state) Collect(collected chan<- prometheus.Metric) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, value := range s.values {
		collected <- prometheus.MustNewConstMetric(
			s.description, prometheus.GaugeValue, value.number, value.labels...)
	}
}

func (s *state) set(of identity, number float64, labels ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.values[of] = value{number, labels}
}

func (s *state) forget(of identity) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.values, of)
}

// begin sets a value of zero where there is none.
func (s *state) begin(of identity, labels ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, begun := s.values[of]; !begun {
		s.values[of] = value{0, labels}
	}
}

// requests is a state of requests. Each is named that somebody has to look at; of the others, of which thousands may
// wait for the same, the oldest is told. All of them are counted.
type requests struct {
	*state

	number *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (r *requests) Describe(descriptions chan<- *prometheus.Desc) {
	r.state.Describe(descriptions)
	descriptions <- r.number
}

// Collect implements prometheus.Collector.
func (r *requests) Collect(collected chan<- prometheus.Metric) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	all, unnamed := groups{}, groups{}
	for of, value := range r.values {
		reason := value.labels[len(value.labels)-1]
		all.add(value.number, of.namespace, reason)
		if !reasons.Of(reason).NamesRequest() {
			unnamed.add(value.number, of.namespace, "", "", reason)
			continue
		}
		collected <- prometheus.MustNewConstMetric(
			r.description, prometheus.GaugeValue, value.number, value.labels...)
	}
	all.collect(r.number, nil, collected)
	unnamed.collect(nil, r.description, collected)
}

// describeObjects makes the series about objects. Their values are points in time that the objects themselves tell, so
// that they are the same after a restart; but for when an issuer was checked, which is no reason to write into it.
func (m *Metrics) describeObjects() {
	m.ready = newState("varmenne_issuer_ready",
		"1 while the issuer is Ready, else 0; reason is that of its condition Ready.",
		"kind", labelNamespace, "name", labelReason)
	m.checks = newState("varmenne_issuer_last_check_timestamp_seconds",
		"When the issuer was last checked, in seconds since 1970; 0 while the controller that works has not.",
		"kind", labelNamespace, "name")
	m.unserved = &requests{
		state: newState("varmenne_certificaterequest_pending_created_timestamp_seconds",
			"When the CertificateRequest was made, in seconds since 1970, for each that has no certificate and needs somebody; "+
				"reason is what it waits for or why it failed. Of those that wait for the same and need nobody, the oldest.",
			labelNamespace, labelCertificate, labelRequest, labelReason),
		number: prometheus.NewDesc("varmenne_certificaterequests_pending",
			"Number of CertificateRequests that have no certificate, by what they wait for or why they failed.",
			[]string{labelNamespace, labelReason}, nil),
	}
	m.failing = newState("varmenne_renewal_failing_expiration_timestamp_seconds",
		"When the certificate in use expires, in seconds since 1970, for each CertificateRequest that is to "+
			"replace one and needs attention. There is no series where no renewal is failing.",
		labelNamespace, labelCertificate, labelRequest, labelReason)
	m.credentials = newState("varmenne_transfer_credentials_written_timestamp_seconds",
		"When the transfer credentials in a Secret were written, in seconds since 1970, while they lie there "+
			"unspent and a CertificateRequest waits that names them.",
		labelNamespace, "secret", labelCertificate, labelRequest)
}

// IssuerReady sets whether an issuer is ready, and the reason of its condition.
func (m *Metrics) IssuerReady(kind, namespace, name, reason string, ready bool) {
	value := 0.0
	if ready {
		value = 1
	}
	m.ready.set(identity{kind, namespace, name}, value, kind, namespace, name, reason)
}

// IssuerSeen makes the series that says when an issuer was checked, so that one whose first check does not come about
// is not missing from it.
func (m *Metrics) IssuerSeen(kind, namespace, name string) {
	m.checks.begin(identity{kind, namespace, name}, kind, namespace, name)
}

// IssuerChecked sets when an issuer was checked, and the result written where it differed from the one before.
func (m *Metrics) IssuerChecked(kind, namespace, name string, now time.Time) {
	m.checks.set(identity{kind, namespace, name}, seconds(now), kind, namespace, name)
}

// IssuerGone forgets an issuer.
func (m *Metrics) IssuerGone(kind, namespace, name string) {
	m.ready.forget(identity{kind, namespace, name})
	m.checks.forget(identity{kind, namespace, name})
}

// RequestUnserved sets why a request has no certificate.
func (m *Metrics) RequestUnserved(request metav1.Object, reason string) {
	m.unserved.set(requested(request), seconds(request.GetCreationTimestamp().Time),
		request.GetNamespace(), certificateOf(request), request.GetName(), reason)
}

// RequestServed forgets a request: it has its certificate, or is gone.
func (m *Metrics) RequestServed(namespace, request string) {
	m.unserved.forget(identity{namespace: namespace, name: request})
	m.RenewalServed(namespace, request)
	m.CredentialsGone(namespace, request)
}

// RenewalFailing sets when the certificate expires that a request is to replace, and why it does not.
func (m *Metrics) RenewalFailing(namespace, certificate, request, reason string, expires time.Time) {
	m.failing.set(identity{namespace: namespace, name: request}, seconds(expires),
		namespace, certificate, request, reason)
}

// RenewalServed forgets a request whose renewal was failing.
func (m *Metrics) RenewalServed(namespace, request string) {
	m.failing.forget(identity{namespace: namespace, name: request})
}

// CredentialsUnspent sets when the transfer credentials were written that a waiting request names.
func (m *Metrics) CredentialsUnspent(request metav1.Object, secret string, written time.Time) {
	m.credentials.set(requested(request), seconds(written),
		request.GetNamespace(), secret, certificateOf(request), request.GetName())
}

// CredentialsGone forgets the transfer credentials that a request names: they are spent, or no longer there.
func (m *Metrics) CredentialsGone(namespace, request string) {
	m.credentials.forget(identity{namespace: namespace, name: request})
}

func requested(request metav1.Object) identity {
	return identity{namespace: request.GetNamespace(), name: request.GetName()}
}

// certificateOf is the Certificate that a CertificateRequest or VeroOrder was made for, as its annotation says; empty
// if it says nothing.
func certificateOf(object metav1.Object) string {
	return bounded(object.GetAnnotations()[cmapi.CertificateNameKey])
}

// bounded is a name of an object as an annotation says it, empty if it is longer than any. Anybody may write into
// annotations.
func bounded(name string) string {
	const longest = 253
	if len(name) > longest {
		return ""
	}
	return name
}

// seconds is how Prometheus writes a point in time.
func seconds(moment time.Time) float64 { return float64(moment.Unix()) }

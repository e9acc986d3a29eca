package soak

import (
	"context"
	"fmt"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// inTime is how long all of them may take.
	inTime = 15 * time.Minute
	// killEvery is how often a replica is killed.
	killEvery = 30 * time.Second
	// chance is the percentage of the calls that each fault hits.
	chance = 2
	// callTimeout is much shorter than the default, as a thousand patient calls of a minute would take all the time.
	callTimeout = 5 * time.Second
	// mostCalls is the default of --calls-per-issuer, of submissions and of polls.
	mostCalls = 8 + 8
	// mostMemory is the memory that a replica may have resident.
	mostMemory = 200 << 20
)

// misbehavior is everything that the service can do wrong on one of many calls.
var misbehavior = []admin.Fault{
	{Kind: admin.DropBefore},
	{Kind: admin.TimeoutAfter},
	{Kind: admin.TimeoutAfter, Hold: admin.Duration(callTimeout / 2)},
	{Kind: admin.ResetMidResponse},
	{Kind: admin.HTTPStatus, Status: 404},
	{Kind: admin.HTTPStatus, Status: 500},
	{Kind: admin.HTTPStatus, Status: 502},
	{Kind: admin.HTTPStatus, Status: 503},
	{Kind: admin.SOAPFault},
	{Kind: admin.ResultFail},
	{Kind: admin.Redirect},
	{Kind: admin.StrangerSignature},
	{Kind: admin.Unsigned},
	{Kind: admin.Malformed},
	{Kind: admin.Truncated},
	{Kind: admin.Oversize},
	{Kind: admin.Slow},
	{Kind: admin.WrongContentType},
	{Kind: admin.WrongOperation},
	{Kind: admin.WrongCertificate, Variant: admin.AnotherCustomer},
	{Kind: admin.WrongCertificate, Variant: admin.AnotherKey},
	{Kind: admin.WrongCertificate, Variant: admin.Expired},
	{Kind: admin.WrongCertificate, Variant: admin.NotYetValid},
	{Kind: admin.WrongCertificate, Variant: admin.UnknownCA},
	{Kind: admin.Replay},
}

// It is alone on the machine: it does not call Parallel, and those that do wait for it.
func TestAThousandCertificatesAtOnceGetThroughEveryFaultAndEveryKill(t *testing.T) {
	if !*full {
		t.Skip("make soak runs it")
	}
	arguments := []string{"--call-timeout=" + callTimeout.String()}
	s := startEnvironment(t, world.Options{Replicas: 2, ControllerArgs: arguments})
	for _, fault := range misbehavior {
		fault.Probability, fault.ForDuration = chance, admin.Duration(24*time.Hour)
		s.Script(fault)
	}
	names := make([]string, *crowd)
	for i := range names {
		names[i] = nameOf(i)
	}
	s.mintCredentials(names...)
	leave := s.actAsUser(0)
	scales := s.sampleMemory()
	started := time.Now()
	for _, name := range names {
		s.order(name)
	}
	s.killUntil(func() bool { return s.received(1, names...) }, started)
	t.Logf("%d Certificates were Ready after %s, with %d kills",
		len(names), time.Since(started).Round(time.Second), len(s.killed))
	leave()
	s.checkLimits(scales())
	s.reconcile()
}

// killUntil kills one of the replicas from time to time, and starts it again, until everything is done.
func (s *environment) killUntil(done func() bool, started time.Time) {
	s.Helper()
	late := time.After(time.Until(started.Add(inTime)))
	look, kill := time.NewTicker(time.Second), time.NewTicker(killEvery)
	defer look.Stop()
	defer kill.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-kill.C:
			s.progress(started)
			number := 1 + s.random.IntN(2)
			s.kill(number)
			must.Do(s, s.StartReplica(s.Context(), number))
		case <-late:
			s.Fatalf("not everything was Ready within %s:\n%s", inTime, s.unfinished())
		}
	}
}

// progress tells a person who waits how far it is.
func (s *environment) progress(started time.Time) {
	s.Helper()
	certificates, requests := &cmapi.CertificateList{}, &cmapi.CertificateRequestList{}
	s.list(certificates)
	s.list(requests)
	ready, reasons := 0, map[string]int{}
	for i := range certificates.Items {
		ready += min(revision(&certificates.Items[i]), 1)
	}
	for _, order := range s.orders() {
		reasons[testkit.ReasonOf(order.Status.Conditions)]++
	}
	s.Logf("%s: %d Ready, %d requests, orders: %v", time.Since(started).Round(time.Second), ready,
		len(requests.Items), reasons)
}

// sampleMemory watches the memory of the replicas until the returned function is called, which tells the most that any
// had.
func (s *environment) sampleMemory() (most func() int) {
	s.Helper()
	heaviest := 0
	stop := testkit.Repeat(s, time.Second, func(context.Context) {
		for number := 1; number <= 2; number++ {
			heaviest = max(heaviest, process.PeakMemory(s.Replica(number).PID()))
		}
	})
	return func() int { stop(); return heaviest }
}

// checkLimits: memory, and calls at once.
func (s *environment) checkLimits(memory int) {
	s.Helper()
	calls := must.Get(s.Service.Calls(s.Context()))(s)
	s.Logf("at most %d calls ran at once; the heaviest replica had %d MiB", calls.Most, memory>>20)
	if calls.Most > mostCalls {
		s.Errorf("%d calls ran at once, want %d at most", calls.Most, mostCalls)
	}
	if memory == 0 || memory > mostMemory {
		s.Errorf("the heaviest replica had %s, want %d MiB at most", mebibytes(memory), mostMemory>>20)
	}
}

func mebibytes(bytes int) string { return fmt.Sprintf("%d MiB", bytes>>20) }

package misbehavior

import (
	"context"
	"errors"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// disturbance is something that happens to the cluster.
type disturbance struct {
	// what happens, in the words of the page.
	what string
	// strike makes it happen, and ends when the cluster works again.
	strike func(*stage, *testing.T)
}

// plight is the state of an order when the cluster is disturbed: a row of the page for each disturbance.
type plight struct {
	// during is the state in the words of the page.
	during string
	outcome
	// service is arguments for the story's service.
	service []string
	// reach brings the story there; last, if there is one, goes the last step to a state that lasts for seconds only.
	reach, last func(*story)
}

// absence is how long the API server is away: much longer than the controller keeps its lease without it.
const absence = time.Minute

// disturbances are played in this order: what is away for longest comes last, when nothing has to be prepared any more.
func disturbances() []disturbance {
	return []disturbance{
		{what: "etcd is restarted", strike: (*stage).restartEtcd},
		{what: "every connection to the API server is cut, five times in a row", strike: (*stage).cutConnections},
		{what: "the API server is killed, and comes back after a minute", strike: (*stage).loseAPIServer},
	}
}

func plights() []plight {
	return []plight{
		{during: "waits for transfer credentials", reach: func(s *story) {
			s.Create(s.Trust(), s.Issuer(), s.Certificate())
			s.awaitTold(told{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{transferName, "does not exist"}})
		}, outcome: outcome{spent: nothing, then: continuation{
			words: "once there are transfer credentials",
			do:    func(s *story) { s.Create(s.credentials(transferName)) },
		}}},
		{during: "is being sent, and the response comes meanwhile", outcome: unnoticed, reach: func(s *story) {
			s.Script(admin.Fault{Operation: signNew, Kind: admin.TimeoutAfter, Hold: held})
			s.settle(s.Issuer())
		}, last: func(s *story) {
			s.Create(s.Certificate())
			s.awaitCalls(signNew, 1)
		}},
		{during: "is accepted", service: []string{"--processing-delay=30s"}, outcome: unnoticed, reach: func(s *story) {
			s.settle(s.Issuer())
			s.submitted()
		}},
		{during: "is about to be delivered, and the certificate comes meanwhile", outcome: unnoticed,
			reach: func(s *story) {
				s.Script(admin.Fault{Operation: get, Kind: admin.TimeoutAfter, Hold: held + held/2})
				s.settle(s.Issuer())
				s.Create(s.Certificate())
				s.awaitCalls(get, 1)
			}},
	}
}

// playDisturbances plays the rows about the cluster, with nothing else going on.
func playDisturbances(t *testing.T) {
	stage := shared.Get(t)
	var scenes []*scene
	for _, disturbance := range disturbances() {
		plights := plights()
		cast := make([]*scene, 0, len(plights))
		for _, plight := range plights {
			title := disturbance.what + " while an order " + plight.during
			cast = append(cast, &scene{story: begin(t, plight.service...), plight: plight, title: title})
		}
		together(t, cast, func(scene *scene) func(*story) { return scene.reach })
		together(t, cast, func(scene *scene) func(*story) { return scene.last })
		if t.Failed() {
			return
		}
		disturbance.strike(stage, t)
		scenes = append(scenes, cast...)
	}
	for _, scene := range scenes {
		t.Run(scene.title, func(t *testing.T) {
			t.Parallel()
			s := scene.on(t)
			scene.pursue(s)
			s.awaitReady(certificateName, nil)
			s.spends(scene.spent, 1)
		})
	}
}

// scene is a plight that is played in a disturbance.
type scene struct {
	*story
	plight

	title string
}

// together lets scenes do something side by side, and waits for all.
func together(t *testing.T, scenes []*scene, what func(*scene) func(*story)) {
	t.Helper()
	t.Run("before the disturbance", func(t *testing.T) {
		for _, scene := range scenes {
			do := what(scene)
			if do == nil {
				continue
			}
			t.Run(scene.during, func(t *testing.T) {
				t.Parallel()
				do(scene.on(t))
			})
		}
	})
}

// loseAPIServer kills the API server, and with it every watch, for a while. A controller that has lost its lease over
// that ends, and is started again, as a kubelet does it. So does cert-manager, which here has no lease to lose; its
// watches alone would take half a minute to come back.
func (s *stage) loseAPIServer(t *testing.T) {
	t.Helper()
	if err := s.Cluster.Process(cluster.APIServer).Kill(); err != nil {
		t.Fatal(err)
	}
	back := time.NewTimer(absence)
	defer back.Stop()
	select {
	case <-back.C:
	case <-t.Context().Done():
	}
	for _, step := range []func() error{
		func() error { return s.Cluster.StartAPIServer(t.Context()) },
		s.Cluster.StopCertManager,
		func() error { return s.Cluster.StartCertManager(t.Context()) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	s.revive(t)
}

// cutConnections cuts every watch and every request that is under way, again and again.
func (s *stage) cutConnections(t *testing.T) {
	t.Helper()
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	for number := range 5 {
		if s.Line().Cut() == 0 && number == 0 {
			t.Error("there was no connection to be cut")
		}
		select {
		case <-pause.C:
		case <-t.Context().Done():
		}
	}
	s.revive(t)
}

// restartEtcd stops etcd and starts it again. The API server goes on.
func (s *stage) restartEtcd(t *testing.T) {
	t.Helper()
	if err := s.Cluster.StopEtcd(); err != nil {
		t.Fatal(err)
	}
	if err := s.Cluster.StartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.revive(t)
}

// revive starts the controller again if it has ended, or is about to.
func (s *stage) revive(t *testing.T) {
	t.Helper()
	back := time.Now()
	decided := func(ctx context.Context) (bool, error) {
		return s.Controller().State() != nil || (s.isLedSince(ctx, back) && s.Replica(1).Works(ctx)), nil
	}
	err := wait.PollUntilContextTimeout(t.Context(), testkit.Interval, testkit.Timeout, false, decided)
	if err == nil && s.Controller().State() != nil {
		err = errors.Join(s.FreeLease(t.Context()), s.StartController(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// isLedSince reports whether the controller has renewed its lease after a time. One that could not looks as if it
// worked until it notices, and while it finishes its calls.
func (s *stage) isLedSince(ctx context.Context, since time.Time) bool {
	const name = "varmenne-issuer"
	lease := &coordinationv1.Lease{}
	if err := s.Client.Get(ctx, client.ObjectKey{Namespace: name, Name: name}, lease); err != nil {
		return false
	}
	holder, renewed := lease.Spec.HolderIdentity, lease.Spec.RenewTime
	return holder != nil && *holder != "" && renewed != nil && renewed.After(since)
}

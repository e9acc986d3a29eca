// Package soak lets the controller be frozen and killed while money is on its way, and drowns it in work and in faults:
// two replicas, one of them frozen in the middle of a call; one that is killed again and again; a thousand Certificates
// at once. Then it compares the service's own log with what the cluster holds: nothing was paid twice, and nothing that
// was paid for is lost.
//
// Every test has a world of its own. `make test` runs short forms, `make soak` all of it.
package soak

import (
	"flag"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

var (
	full     = flag.Bool("full", false, "run everything, as make soak does, instead of short forms")
	kills    = flag.Int("kills", 0, "how often the controller is killed; 0 stands for 200 with -full, else 6")
	crowd    = flag.Int("certificates", 1000, "how many Certificates are created at once with -full")
	seedFlag = flag.Uint64("seed", 0, "seed of what is random; 0 picks one and logs it")
)

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard()) // Of the clients that the programs use.
	os.Exit(m.Run())
}

// either is the figure of the full form, or that of the short one.
func either(whole, short int) int {
	if *full {
		return whole
	}
	return short
}

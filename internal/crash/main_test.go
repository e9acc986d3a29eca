package crash_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

// atOnce is how many issuances go on at once, unless -parallel says otherwise: they mostly wait for the API server.
const atOnce = "8"

var (
	server *apitest.Server
	// authorities are those of all simulators, so that not every simulator has to make keys.
	authorities *authority.Authorities
	// home lets their service be called, which is on loopback.
	home endpoints.Rule
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", atOnce)
	}
	var err error
	if authorities, err = authority.Create(time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if home.Allowed, err = endpoints.Parse([]string{"127.0.0.1:*"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctrl.SetLogger(logr.Discard())
	return apitest.Main(m, &server)
}

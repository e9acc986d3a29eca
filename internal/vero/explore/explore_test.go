package explore_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

var full = flag.Bool("full", false, "search the further scenarios, for minutes")

// scenario is what may go wrong in some histories, and how far they are followed.
type scenario struct {
	budget budget
	inUse  bool // whether they begin with a certificate that is in use
	depth  int
}

// scenarios that take seconds.
var scenarios = map[string]scenario{
	"one controller: lost responses, a crash": {budget{replicas: 1, faults: 2, crashes: 1, slow: 1}, false, 100},
	"two controllers, a fault, a crash":       {budget{replicas: 2, faults: 1, crashes: 1}, false, 14},
	"a stale cache, credentials replaced":     {budget{replicas: 2, lags: 1, credentials: 1}, false, 10},
	"credentials replaced twice":              {budget{replicas: 1, faults: 1, credentials: 2}, false, 16},
	"requests deleted and made anew":          {budget{replicas: 2, faults: 1, requests: 1}, false, 11},
	"orders deleted, RetrievalIds brought":    {budget{replicas: 1, faults: 1, orders: 2, crashes: 1}, false, 16},
	"trust broken and repaired":               {budget{replicas: 1, faults: 1, trust: 2, crashes: 1}, false, 20},
	"an issuer that is edited twice":          {budget{replicas: 1, faults: 1, issuers: 2}, false, 16},
	"a clock that is set back":                {budget{replicas: 1, faults: 2, jumps: 1}, false, 20},
	"a renewal, credentials bought":           {budget{replicas: 1, faults: 1, renewals: 1, credentials: 1}, true, 20},
}

// further scenarios, for which there is time once in a while.
var further = map[string]scenario{
	"one controller":  {budget{replicas: 1, faults: 3, crashes: 2, slow: 1}, false, 60},
	"two controllers": {budget{replicas: 2, faults: 2, crashes: 1}, false, 22},
	"stale caches":    {budget{replicas: 2, faults: 1, lags: 1, requests: 1}, false, 16},
	"people": {budget{replicas: 1, faults: 1, crashes: 1, requests: 1, credentials: 1, orders: 1},
		false, 18},
	"a trust and an issuer":    {budget{replicas: 2, faults: 1, trust: 2, issuers: 1}, false, 16},
	"renewals":                 {budget{replicas: 2, faults: 1, crashes: 1, renewals: 1, credentials: 1}, true, 17},
	"clocks that are set back": {budget{replicas: 1, faults: 3, crashes: 1, jumps: 2}, false, 24},
	"everything at once": {budget{replicas: 2, faults: 1, crashes: 1, lags: 1, requests: 1, credentials: 1, trust: 1,
		jumps: 1}, false, 9},
}

func (c scenario) start() *world {
	if c.inUse {
		return inUse(c.budget)
	}
	return newWorld(c.budget)
}

func (c scenario) search(t *testing.T, seeded mistake, workers int) (*explorer, explore.Result) {
	t.Helper()
	prepare(t)
	e := &explorer{mistake: seeded}
	e.ends.after = map[explore.Key]time.Duration{}
	return e, explore.Search[*world](e, c.start(), c.depth, workers)
}

func TestEveryHistory(t *testing.T) {
	searched := scenarios
	if *full {
		searched = further
	}
	page := string(must.Get(os.ReadFile("../../../docs/reliability.md"))(t))
	total, run := 0, 0
	for claim, c := range searched {
		t.Run(claim, func(t *testing.T) {
			began := time.Now()
			e, found := c.search(t, noMistake, runtime.GOMAXPROCS(0))
			if found.Err != nil {
				t.Errorf("%v, after\n%s", found.Err, strings.Join(found.History, "\n"))
			}
			total, run = total+found.States, run+1
			t.Logf("%d states up to depth %d in %s; the end comes after %s at most", found.States, found.Depth,
				time.Since(began).Round(time.Millisecond), e.ends.longest)
			depth := strconv.Itoa(found.Depth)
			if found.Complete {
				depth += ", all"
			}
			row := fmt.Sprintf("| %s | %s | %s |", claim, depth, thousands(found.States))
			if !strings.Contains(page, row) {
				t.Errorf("docs/reliability.md does not have the row %s", row)
			}
		})
	}
	if sum := thousands(total) + " states"; run == len(searched) && !strings.Contains(page, sum) {
		t.Errorf("docs/reliability.md does not say %s", sum)
	}
}

// thousands writes a number with commas.
func thousands(number int) string {
	text := strconv.Itoa(number)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// TestSeededFaultsAreFound: a controller that makes a mistake is found out by the invariant that is there for it.
func TestSeededFaultsAreFound(t *testing.T) {
	for seeded, c := range map[mistake]struct {
		budget budget
		says   string
	}{
		blindIntent:      {budget{replicas: 2}, "does not know of it"},
		callFirst:        {budget{replicas: 1}, "does not know of it"},
		crossedPolls:     {budget{replicas: 1, requests: 1, credentials: 1}, "comes to no end"},
		uncheckedKey:     {budget{replicas: 1, faults: 1}, "was not issued for it"},
		forgetfulIntent:  {budget{replicas: 1, faults: 2, requests: 1}, "nothing was spent"},
		creationIgnored:  {budget{replicas: 1, crashes: 1, requests: 1}, "nothing was spent"},
		doubtForgotten:   {budget{replicas: 1, faults: 2, crashes: 1}, "nothing was spent"},
		lateThrownAway:   {budget{replicas: 2, requests: 1}, "is forgotten"},
		recordOnce:       {budget{replicas: 2, requests: 1}, "is forgotten"},
		namesOfTheirOwn:  {budget{replicas: 2, lags: 1}, "would spend what another order spends"},
		deletedForgotten: {budget{replicas: 1, orders: 1}, "does not know it"},
		clockTrusted:     {budget{replicas: 1, faults: 1, jumps: 1}, "the end comes only after"},
	} {
		t.Run(string(seeded), func(t *testing.T) {
			t.Parallel()
			_, found := scenario{budget: c.budget, depth: 30}.search(t, seeded, 1)
			if found.Err == nil || !strings.Contains(found.Err.Error(), c.says) {
				t.Errorf("in %d states it finds %v", found.States, found.Err)
			}
			t.Logf("%v, after %d states and\n%s", found.Err, found.States, strings.Join(found.History, "\n"))
		})
	}
}

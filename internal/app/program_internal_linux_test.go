package app

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

const smaps = `00400000-01a3b000 r-xp 00000000 fe:00 4711                               /manager
Size:              22764 kB
Rss:               15360 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me dw
01a3b000-0292e000 r--p 0163b000 fe:00 4711                               /manager
Anonymous:             4 kB
0292e000-02a00000 r--p 0252e000 fe:00 4711                               /manager
Anonymous:             0 kB
02a00000-02b11000 rw-p 025fe000 fe:00 4711                               /manager
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f2c00000000-7f2c00021000 r--p 00000000 fe:00 4712                       /etc/localtime
Anonymous:             0 kB
`

// TestOnlyWhatIsAsInTheFileOfTheProgramIsGivenBack: what was written is nowhere else.
func TestOnlyWhatIsAsInTheFileOfTheProgramIsGivenBack(t *testing.T) {
	want := []pages{{0x400000, 0x1a3b000}, {0x292e000, 0x2a00000}}
	if got := programPages(strings.NewReader(smaps), "/manager"); !slices.Equal(got, want) {
		t.Errorf("given back are %x", got)
	}
}

func TestTheProgramGoesOnWithoutItsPages(t *testing.T) {
	mapped := regexp.MustCompile(`RssFile:\s+(\d+) kB`)
	resident := func() int {
		content := string(must.Get(os.ReadFile("/proc/self/status"))(t))
		return must.Get(strconv.Atoi(mapped.FindStringSubmatch(content)[1]))(t)
	}
	before := resident()
	releaseProgram()
	if after := resident(); after > before*3/4 {
		t.Errorf("of %d kB %d are mapped", before, after)
	}
}

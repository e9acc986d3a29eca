package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestAConnectionThatLeavesTheMachineIsTold(t *testing.T) {
	const log = `{"constants": {"logEventTypes": {"TCP_CONNECT_ATTEMPT": 1, "UDP_BYTES_SENT": 2, "UDP_CONNECT": 3}},
		"events": [%s]}`
	const here = `{"type":1,"params":{"address":"127.0.0.1:80"}}, `
	for claim, c := range map[string]struct{ events, want string }{
		"this machine alone is right":     {here + `{"type":1,"params":{"address":"[::1]:80"}}`, ""},
		"another machine is told":         {here + `{"type":1,"params":{"address":"192.0.2.7:80"}}`, "192.0.2.7"},
		"a datagram is told":              {here + `{"type":2}`, "datagram"},
		"a socket that sends none is not": {here + `{"type":3,"params":{"address":"[2001:db8::1]:443"}}`, ""},
		"a log of nothing is told":        {"", "no connection"},
		"a log that is cut off is told":   {`{"type"`, "unknown"},
	} {
		t.Run(claim, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "log")
			must.Do(t, os.WriteFile(name, fmt.Appendf(nil, log, c.events), 0o600))
			err := onlyLoopback(name)
			if c.want != "" {
				must.Say(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

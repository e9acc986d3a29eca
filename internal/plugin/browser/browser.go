package browser

import (
	"context"
	"errors"
	"html/template"
	"os"
	"os/exec"
	"runtime"
)

// beginning is how every page begins that leads to an address. Where one is left, it is known by that.
const beginning = `<!DOCTYPE html><title>varmenne</title><meta http-equiv="refresh" content="0; url=`

// leading is a page that leads to an address.
//
//nolint:gochecknoglobals // parsed once
var leading = template.Must(template.New("").Parse(beginning + `{{.}}"><a href="{{.}}">{{.}}</a>`))

// Open opens an address in the browser that the person prefers, by a file that only the person can read: everybody on
// this machine sees the arguments of a program, and the address has a secret. The file is removed by end; those that
// killed programs have left are removed first.
//
// It is in the home directory, and not hidden there: a browser that comes as a snap has a /tmp of its own, and may read
// nothing else of the person's.
func Open(ctx context.Context, address string) (end func(), err error) {
	home, _ := os.UserHomeDir() // without one it is the directory for temporary files
	removeLeft(home)
	file, err := os.CreateTemp(home, pattern)
	if err != nil {
		file, err = os.CreateTemp("", pattern)
	}
	if err != nil {
		return nil, err
	}
	end = func() { _ = os.Remove(file.Name()) } // whoever cleans up may have been faster
	if err := errors.Join(leading.Execute(file, address), file.Close()); err != nil {
		end()
		return nil, err
	}
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	opening := exec.CommandContext(ctx, command[0], append(command[1:], file.Name())...) //nolint:gosec // one of these
	if err := opening.Start(); err != nil {
		end()
		return nil, err
	}
	go func() { _ = opening.Wait() }() // what it says about itself is nobody's concern here
	return end, nil
}

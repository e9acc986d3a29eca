// Package browser drives headless Chromium for the tests of pages that people use: one browser for the tests of a
// package, and for each of them a window with cookies of its own. All its traffic stays on this machine.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
)

// HostileHost is a name that the browser resolves to 127.0.0.1, as the name of an attacker's site does that has changed
// its address (DNS rebinding). No other name leads anywhere.
const HostileHost = "hostile.example"

// endTimeout bounds the wait for a browser that was asked to end.
const endTimeout = 10 * time.Second

// fontsConfiguration has the browser draw with the fonts of one directory alone.
const fontsConfiguration = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
	<dir>%s</dir>
	<cachedir>%s</cachedir>
</fontconfig>
`

// Browser is a running one.
type Browser struct {
	//nolint:containedctx // The browser is in it; windows are opened from it.
	ctx       context.Context
	end       context.CancelFunc
	directory string // of all that it writes
	opened    atomic.Bool
}

// Start starts a browser with an empty profile. It lives until End or the context ends.
func Start(ctx context.Context, from binaries.Browser) (*Browser, error) {
	directory, err := os.MkdirTemp("", "varmenne-browser-")
	if err != nil {
		return nil, fmt.Errorf("starting a browser: %w", err)
	}
	b := &Browser{directory: directory}
	options, err := b.options(from)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a browser: %w", err), os.RemoveAll(directory))
	}
	ctx, release := chromedp.NewExecAllocator(ctx, options...)
	ctx, stop := chromedp.NewContext(ctx)
	b.ctx, b.end = ctx, func() {
		stop()
		release()
	}
	if err := chromedp.Do(ctx); err != nil {
		b.end()
		return nil, errors.Join(fmt.Errorf("starting the browser %s: %w", from.Program, err), os.RemoveAll(directory))
	}
	return b, nil
}

// options are the command line and the environment of the browser.
func (b *Browser) options(from binaries.Browser) ([]chromedp.ExecAllocatorOption, error) {
	fonts := filepath.Join(b.directory, "fonts.conf")
	written := fmt.Sprintf(fontsConfiguration, from.Fonts, filepath.Join(b.directory, "fonts"))
	if err := os.WriteFile(fonts, []byte(written), 0o600); err != nil {
		return nil, err
	}
	libraries := slices.Concat(from.Libraries, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")))
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(from.Program), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.UserDataDir(filepath.Join(b.directory, "profile")),
		chromedp.Flag("host-resolver-rules", "MAP "+HostileHost+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("log-net-log", b.netLog()),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Env("LD_LIBRARY_PATH="+strings.Join(libraries, string(filepath.ListSeparator)),
			"FONTCONFIG_FILE="+fonts, "HOME="+b.directory),
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "no-proxy-server",
		"disable-dev-shm-usage", "disable-extensions", "disable-default-apps", "disable-breakpad",
		// A window that no one looks at is as fast as the others.
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	return options, nil
}

// netLog is where the browser writes down what its network stack does.
func (b *Browser) netLog() string { return filepath.Join(b.directory, "net-log.json") }

// End ends the browser, removes what it has written, and returns an error if it has connected to anything but this
// machine.
func (b *Browser) End() error {
	// The log of the network is complete when the browser has closed by itself.
	ctx, cancel := context.WithTimeout(b.ctx, endTimeout)
	defer cancel()
	err := chromedp.Cancel(ctx)
	b.end()
	if b.opened.Load() {
		err = errors.Join(err, onlyLoopback(b.netLog()))
	}
	return errors.Join(err, os.RemoveAll(b.directory))
}

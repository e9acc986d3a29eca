package binaries

import (
	"context"
	"path/filepath"
)

// Browser is where headless Chromium is, with what it needs that this machine does not have.
type Browser struct {
	// Program is the path of the browser.
	Program string
	// Libraries are the directories of the libraries that were unpacked with it, for LD_LIBRARY_PATH.
	Libraries []string
	// Fonts is the directory of the fonts that it shall use, and no others: pictures are then the same everywhere.
	Fonts string
}

// browserPackages are headless Chromium without a window system, and the letters that it draws.
func browserPackages() debianPackages {
	return debianPackages{
		name:    "chromium",
		need:    "the browser of the tests comes",
		content: "headless Chromium",
		arguments: func(downloads string) []string {
			// Unlike download, install adds the libraries that the machine does not have. Those that are asked for are
			// downloaded also where they are installed. Nothing is installed, so that nobody has to be kept out.
			return []string{"install", "--download-only", "--yes", "--reinstall", "--no-install-recommends",
				"-o", "Dir::Cache::archives=" + downloads, "-o", "Debug::NoLocking=true",
				"chromium-headless-shell", "fonts-dejavu-core"}
		},
	}
}

// EnsureBrowser returns where a browser is, and unpacks one from Debian's packages, 100 MB to download, when there is
// none yet. It needs apt-get and dpkg-deb, and neither root nor the other programs of this package.
func EnsureBrowser(ctx context.Context, options Options) (Browser, error) {
	_, options, err := complete(options)
	if err != nil {
		return Browser{}, err
	}
	unpacked, err := browserPackages().ensure(ctx, options)
	if err != nil {
		return Browser{}, err
	}
	var libraries []string
	// libpulse finds its private library by an absolute path, where it is installed.
	for _, where := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio"} {
		found, err := filepath.Glob(filepath.Join(unpacked, filepath.FromSlash(where)))
		if err != nil {
			return Browser{}, err
		}
		libraries = append(libraries, found...)
	}
	return Browser{
		Program:   filepath.Join(unpacked, "usr", "lib", "chromium", "chromium-headless-shell"),
		Libraries: libraries,
		Fonts:     filepath.Join(unpacked, "usr", "share", "fonts"),
	}, nil
}

package binaries

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// debianPackages hold what a node runs and cannot be built from modules alone, with the libraries that a small
// system lacks. They are unpacked, not installed: an installed containerd would start.
func debianPackages() []string {
	return []string{
		"containerd", "containernetworking-plugins", "runc", "libseccomp2",
		"nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libxtables12", "libgmp10", "libedit2", "libbsd0",
	}
}

// ensureDebian downloads and unpacks the packages, in the versions that apt offers now, unless it has been
// done, and returns where they are.
func ensureDebian(ctx context.Context, options Options) (string, error) {
	offered, err := offeredPackages(ctx)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(offered)
	target := filepath.Join(options.Directory, "debian-"+hex.EncodeToString(digest[:6]))
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	unlock, err := lock(ctx, options)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return target, err // The run that held the lock has unpacked them.
	}
	fmt.Fprintf(options.Log, "Unpacking containerd, runc, CNI plugins and nftables from Debian into %s.\n", target)
	if err := unpackPackages(ctx, target); err != nil {
		return "", fmt.Errorf("unpacking what a node runs from Debian's packages: %w", err)
	}
	return target, nil
}

// offeredPackages returns the files, with their versions and digests, that apt would download.
func offeredPackages(ctx context.Context) ([]byte, error) {
	output, err := apt(ctx, "", append([]string{"download", "--print-uris"}, debianPackages()...)...)
	if err != nil {
		return nil, fmt.Errorf("a node needs containerd and runc from Debian's packages, which apt does not offer; "+
			"on Debian, apt-get update makes it know them: %w", err)
	}
	return output, nil
}

// unpackPackages downloads the packages beside the target, unpacks them, and moves the result to its name.
func unpackPackages(ctx context.Context, target string) error {
	unfinished := target + ".unfinished"
	downloads := filepath.Join(unfinished, ".downloads")
	if err := errors.Join(os.RemoveAll(unfinished), os.MkdirAll(downloads, 0o755)); err != nil {
		return err
	}
	if _, err := apt(ctx, downloads, append([]string{"download"}, debianPackages()...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(downloads, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := process.Output(exec.CommandContext(ctx, "dpkg-deb", "--extract", file, unfinished)); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(downloads), os.Rename(unfinished, target))
}

// apt runs apt-get in a directory. Its sandbox user could not write there.
func apt(ctx context.Context, directory string, arguments ...string) ([]byte, error) {
	arguments = append([]string{"--quiet", "-o", "APT::Sandbox::User=root"}, arguments...)
	command := exec.CommandContext(ctx, "apt-get", arguments...)
	command.Dir = directory
	return process.Output(command)
}

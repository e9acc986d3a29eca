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

// debianPackages are unpacked in a directory of their own, not installed: a machine stays as it is, and an installed
// containerd would start.
type debianPackages struct {
	// name begins that of the directory, which ends with the digest of what apt offers.
	name string
	// need says what is needed of Debian, and by whom.
	need string
	// content is what is unpacked, for a person.
	content string
	// arguments are those of apt-get that has the packages downloaded into a directory.
	arguments func(downloads string) []string
}

// nodePackages hold what a node runs and cannot be built from modules alone, with the libraries that a small system
// lacks.
func nodePackages() debianPackages {
	return debianPackages{
		name:    "debian",
		need:    "a node needs containerd and runc",
		content: "containerd, runc, CNI plugins and nftables",
		arguments: func(string) []string {
			return []string{"download",
				"containerd", "containernetworking-plugins", "runc", "libseccomp2", "nftables", "libnftables1",
				"libnftnl11", "libmnl0", "libjansson4", "libxtables12", "libgmp10", "libedit2", "libbsd0"}
		},
	}
}

// ensure downloads and unpacks the packages, in the versions that apt offers now, unless it has been done, and returns
// where they are.
func (p debianPackages) ensure(ctx context.Context, options Options) (string, error) {
	offered, err := p.offered(ctx, options.Directory)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(offered)
	target := filepath.Join(options.Directory, p.name+"-"+hex.EncodeToString(digest[:6]))
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
	fmt.Fprintf(options.Log, "Unpacking %s from Debian into %s.\n", p.content, target)
	if err := p.unpack(ctx, target); err != nil {
		return "", fmt.Errorf("unpacking %s from Debian's packages: %w", p.content, err)
	}
	return target, nil
}

// offered returns the files, with their versions and digests, that apt would download. What lies in apt's own cache
// counts as well, because the downloads go elsewhere.
func (p debianPackages) offered(ctx context.Context, base string) ([]byte, error) {
	output, err := apt(ctx, "", append(p.arguments(filepath.Join(base, ".none")), "--print-uris"))
	if err != nil {
		return nil, fmt.Errorf("%s from Debian's packages, which apt does not offer; "+
			"on Debian, apt-get update makes it know them: %w", p.need, err)
	}
	return output, nil
}

// unpack downloads the packages beside the target, unpacks them, and moves the result to its name.
func (p debianPackages) unpack(ctx context.Context, target string) error {
	unfinished := target + ".unfinished"
	downloads := filepath.Join(unfinished, ".downloads")
	// apt insists on a directory for what has come in part.
	err := errors.Join(os.RemoveAll(unfinished), os.MkdirAll(filepath.Join(downloads, "partial"), 0o755))
	if err != nil {
		return err
	}
	if _, err := apt(ctx, downloads, p.arguments(downloads)); err != nil {
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
func apt(ctx context.Context, directory string, arguments []string) ([]byte, error) {
	arguments = append([]string{"--quiet", "-o", "APT::Sandbox::User=root"}, arguments...)
	command := exec.CommandContext(ctx, "apt-get", arguments...)
	command.Dir = directory
	return process.Output(command)
}

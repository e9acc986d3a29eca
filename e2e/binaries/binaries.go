// Package binaries builds the programs that the embedded cluster runs (etcd, kube-apiserver, kubectl and
// cert-manager's controllers) from their module sources, once per version, and says where they are.
package binaries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// DirectoryVariable is the environment variable that names the directory for what is built, in place of
// bin/ in the repository: for instance one that several clones share.
const DirectoryVariable = "VARMENNE_E2E_BIN"

// Options say where to build and who is told about it.
type Options struct {
	// Directory for what is built. Default: the one that DirectoryVariable names, else bin/ in the repository.
	Directory string
	// Log receives the progress of a build as text for a person; nothing is written when nothing is built.
	// Default: discarded.
	Log io.Writer
	// Pins say in which versions. Default: CurrentPins.
	Pins Pins
}

// Set is where the programs are.
type Set struct {
	// Assets is a directory that holds kube-apiserver, etcd and kubectl under exactly these names: what
	// controller-runtime's envtest expects in KUBEBUILDER_ASSETS.
	Assets string `json:"assets"`
	// CertManager is the path of the program that runs cert-manager's controllers.
	CertManager string `json:"certManager"`
	// Pins are the modules that the programs were built in.
	Pins Pins `json:"pins"`
}

// Etcd returns the path of etcd.
func (s Set) Etcd() string { return filepath.Join(s.Assets, "etcd") }

// APIServer returns the path of kube-apiserver.
func (s Set) APIServer() string { return filepath.Join(s.Assets, "kube-apiserver") }

// Kubectl returns the path of kubectl.
func (s Set) Kubectl() string { return filepath.Join(s.Assets, "kubectl") }

// Ensure returns where the programs are, and builds those that are missing: minutes the first time, a
// fraction of a second from then on. Several calls at once, of several processes too, build only once.
func Ensure(ctx context.Context, options Options) (Set, error) {
	groups, options, err := plan(ctx, options)
	if err != nil {
		return Set{}, err
	}
	if err := buildMissing(ctx, options, []group{groups.controlPlane, groups.certManager}); err != nil {
		return Set{}, err
	}
	return groups.set(options), nil
}

// plan completes the options and says what there is to build.
func plan(ctx context.Context, options Options) (groups, Options, error) {
	root, options, err := complete(options)
	if err != nil {
		return groups{}, options, err
	}
	planned, err := groupsOf(ctx, root, options.Pins)
	if err != nil {
		return groups{}, options, err
	}
	planned.controlPlane.ready = planned.controlPlane.given(ctx, options)
	return planned, options, nil
}

// complete returns the directory of the repository, and the options with every default in its place.
func complete(options Options) (root string, completed Options, err error) {
	if root, err = RepositoryRoot(); err != nil {
		return "", options, err
	}
	if options.Log == nil {
		options.Log = io.Discard
	}
	if options.Pins == (Pins{}) {
		options.Pins = CurrentPins()
	}
	if options.Directory == "" {
		options.Directory = os.Getenv(DirectoryVariable)
	}
	if options.Directory == "" {
		options.Directory = filepath.Join(root, "bin")
	}
	if options.Directory, err = filepath.Abs(options.Directory); err != nil {
		return "", options, fmt.Errorf("finding the directory for programs: %w", err)
	}
	return root, options, nil
}

// set says where the programs are when they have been built.
func (g groups) set(options Options) Set {
	return Set{
		Assets:      g.controlPlane.directory(options.Directory),
		CertManager: filepath.Join(g.certManager.directory(options.Directory), "certmanager"),
		Pins:        options.Pins,
	}
}

// RepositoryRoot returns the directory of the repository that the working directory lies in.
func RepositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for directory := start; ; directory = filepath.Dir(directory) {
		_, err := os.Stat(filepath.Join(directory, controlPlaneModule, "go.mod"))
		if err == nil {
			return directory, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("finding the repository: %w", err)
		}
		if directory == filepath.Dir(directory) {
			return "", fmt.Errorf("neither %s nor a directory above it holds %s: run this inside the repository",
				start, controlPlaneModule)
		}
	}
}

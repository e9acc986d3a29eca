package binaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// Modules that pin what is built, relative to the repository. They are nested in e2e so that what they
// require and replace binds nothing else.
const (
	controlPlaneModule = "e2e/controlplane" // Kubernetes and etcd
	certManagerModule  = "e2e"
	coreDNSModule      = "e2e/coredns"
)

// What the modules are required for.
const (
	kubernetes  = "k8s.io/kubernetes"
	certManager = "github.com/cert-manager/cert-manager"
)

// program is one thing to build.
type program struct {
	name    string // of the file
	source  string // package path, as go build takes it
	version string // for the progress line
}

// group is a set of programs that are built in one module and rebuilt together.
type group struct {
	module   string // directory of the module
	programs []program
	ldflags  string
	key      string // name of the directory for the built programs
	// ready is where the programs are already, if somebody else has built them.
	ready string
}

// groups are all there is to build.
type groups struct {
	controlPlane, certManager, node, coreDNS group
}

// directory returns where the programs of the group are: below the directory for everything built, unless somebody else
// has built them.
func (g group) directory(base string) string {
	if g.ready != "" {
		return g.ready
	}
	return filepath.Join(base, g.key)
}

// missing returns the programs of the group that have not been built below base.
func (g group) missing(base string) []program {
	var missing []program
	for _, p := range g.programs {
		if _, err := os.Stat(filepath.Join(g.directory(base), p.name)); err != nil {
			missing = append(missing, p)
		}
	}
	return missing
}

// groupsOf describes what the repository at root wants to have built with the pins.
func groupsOf(ctx context.Context, root string, pins Pins) (groups, error) {
	toolchain, err := toolchain(ctx, filepath.Join(root, controlPlaneModule))
	if err != nil {
		return groups{}, err
	}
	var all groups
	for _, described := range []struct {
		into *group
		as   func(module, toolchain string) (group, error)
		from string
	}{
		{&all.controlPlane, controlPlaneGroup, pins.Kubernetes}, {&all.certManager, certManagerGroup, pins.CertManager},
		{&all.node, nodeGroup, controlPlaneModule}, {&all.coreDNS, coreDNSGroup, coreDNSModule},
	} {
		if *described.into, err = described.as(filepath.Join(root, described.from), toolchain); err != nil {
			return groups{}, err
		}
	}
	return all, nil
}

// controlPlaneGroup is etcd, kube-apiserver and kubectl.
func controlPlaneGroup(module, toolchain string) (group, error) {
	const etcd = "go.etcd.io/etcd/server/v3"
	g := group{module: module}
	versions, err := RequiredVersions(g.module, kubernetes, etcd)
	if err != nil {
		return group{}, err
	}
	g.programs = []program{
		{name: "etcd", source: etcd, version: versions[etcd]},
		{name: "kube-apiserver", source: kubernetes + "/cmd/kube-apiserver", version: versions[kubernetes]},
		{name: "kubectl", source: kubernetes + "/cmd/kubectl", version: versions[kubernetes]},
	}
	g.ldflags = kubernetesVersionFlags(versions[kubernetes])
	g.key, err = key("controlplane-"+versions[kubernetes], toolchain, g,
		filepath.Join(g.module, "go.mod"), filepath.Join(g.module, "go.sum"))
	return g, err
}

// nodeGroup is what a node runs beyond the control plane.
func nodeGroup(module, toolchain string) (group, error) {
	g := group{module: module}
	versions, err := RequiredVersions(g.module, kubernetes)
	if err != nil {
		return group{}, err
	}
	version := versions[kubernetes]
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"} {
		g.programs = append(g.programs, program{name: name, source: kubernetes + "/cmd/" + name, version: version})
	}
	g.ldflags = kubernetesVersionFlags(version)
	g.key, err = key("node-"+version, toolchain, g,
		filepath.Join(g.module, "go.mod"), filepath.Join(g.module, "go.sum"))
	return g, err
}

// coreDNSGroup is the program in coredns: CoreDNS with the plugins that a cluster's DNS needs.
func coreDNSGroup(module, toolchain string) (group, error) {
	const coreDNS = "github.com/coredns/coredns"
	g := group{module: module, ldflags: "-s -w"}
	versions, err := RequiredVersions(g.module, coreDNS)
	if err != nil {
		return group{}, err
	}
	g.programs = []program{{name: "coredns", source: ".", version: versions[coreDNS]}}
	g.key, err = key("coredns-"+versions[coreDNS], toolchain, g, filepath.Join(g.module, "main.go"),
		filepath.Join(g.module, "go.mod"), filepath.Join(g.module, "go.sum"))
	return g, err
}

// certManagerGroup is the program in cmd/certmanager, of which the modules of other versions have a link to the source.
func certManagerGroup(module, toolchain string) (group, error) {
	g := group{module: module}
	versions, err := RequiredVersions(g.module, certManager)
	if err != nil {
		return group{}, err
	}
	version := versions[certManager]
	g.programs = []program{{name: "certmanager", source: "./cmd/certmanager", version: version}}
	g.ldflags = "-s -w -X " + certManager + "/pkg/util.AppVersion=" + version
	sources, err := filepath.Glob(filepath.Join(g.module, "cmd", "certmanager", "*.go"))
	if err != nil {
		return group{}, fmt.Errorf("listing the sources of certmanager: %w", err)
	}
	g.key, err = key("certmanager-"+version, toolchain, g,
		append(sources, filepath.Join(g.module, "go.mod"), filepath.Join(g.module, "go.sum"))...)
	return g, err
}

// kubernetesVersionFlags make the programs report the version they were built from, which clients and
// charts compare with; a build outside the Kubernetes repository would say v0.0.0.
func kubernetesVersionFlags(version string) string {
	parts := append(strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3), "", "")
	const variable = " -X k8s.io/component-base/version."
	return "-s -w" + variable + "gitVersion=" + version + variable + "gitMajor=" + parts[0] +
		variable + "gitMinor=" + parts[1] + variable + "gitTreeState=clean" + variable + "gitCommit=unknown"
}

// key names the directory for what is built from these inputs: another input, another directory.
func key(prefix, toolchain string, g group, files ...string) (string, error) {
	digest := sha256.New()
	fmt.Fprintln(digest, toolchain, g.programs, g.ldflags)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("computing the key of %s: %w", prefix, err)
		}
		fmt.Fprintln(digest, filepath.Base(file), len(content))
		digest.Write(content)
	}
	return prefix + "-" + hex.EncodeToString(digest.Sum(nil)[:6]), nil
}

// toolchain returns what of the Go installation the built programs depend on.
func toolchain(ctx context.Context, module string) (string, error) {
	output, err := goCommand(ctx, module, "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for its version; is go on the PATH? %w", err)
	}
	return string(bytes.Join(bytes.Fields(output), []byte(" "))), nil
}

// goCommand is the go command, run in the module, unmoved by a workspace that may surround it.
func goCommand(ctx context.Context, module string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = module
	command.Env = append(os.Environ(), "GOWORK=off")
	return command
}

// RequiredVersions returns the versions of the modules that the go.mod in a directory requires.
func RequiredVersions(module string, paths ...string) (map[string]string, error) {
	name := filepath.Join(module, "go.mod")
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading pinned versions: %w", err)
	}
	file, err := modfile.ParseLax(name, content, nil)
	if err != nil {
		return nil, fmt.Errorf("reading pinned versions: %w", err)
	}
	versions := map[string]string{}
	for _, require := range file.Require {
		versions[require.Mod.Path] = require.Mod.Version
	}
	for _, path := range paths {
		if versions[path] == "" {
			return nil, fmt.Errorf("%s does not require %s", name, path)
		}
	}
	return versions, nil
}

// Module is where the source of a module lies, and its version.
type Module struct {
	Dir     string `json:"Dir"`
	Version string `json:"Version"`
}

// FindModule finds a module in the version that the go.mod in a directory of the repository requires, and downloads it
// if need be.
func FindModule(ctx context.Context, directory, path string) (found Module, err error) {
	root, err := RepositoryRoot()
	if err != nil {
		return found, err
	}
	listed, err := process.Output(goCommand(ctx, filepath.Join(root, directory), "mod", "download", "-json", path))
	if err == nil {
		err = json.Unmarshal(listed, &found)
	}
	if err != nil {
		return found, fmt.Errorf("finding the module %s: %w", path, err)
	}
	return found, nil
}

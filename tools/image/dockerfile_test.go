package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The Dockerfile cannot be built without an engine. But its first stage is a command, which runs here, and its
// second one says the same things as the program does, which are compared.

func TestTheDockerfileMakesTheSameRootFilesystem(t *testing.T) {
	commands := dockerfile(t)["RUN"]
	if len(commands) != 1 {
		t.Fatalf("the Dockerfile runs %q, want one command", commands)
	}
	if copied := dockerfile(t)["COPY"]; !slices.Equal(copied, []string{". .", "--from=build /rootfs /"}) {
		t.Fatalf("the Dockerfile copies %q, want the sources, and the root filesystem to the root", copied)
	}
	sources, rootfs := filepath.Join(t.TempDir(), "src"), filepath.Join(t.TempDir(), "rootfs")
	copySources(t, sources)
	command := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(commands[0], "/rootfs", rootfs))
	command.Dir = sources
	command.Env = append(os.Environ(), "TARGETARCH=arm64", "VERSION="+testVersion, "COMMIT="+testCommit)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", commands[0], err, output)
	}
	got, want := tree(t, rootfs), map[string]string{}
	for name, file := range filesOf(t, loaded(t, "arm64")) {
		want[strings.TrimSuffix(name, "/")] = describe(fs.FileMode(file.header.Mode), file.content)
	}
	if !maps.Equal(got, want) {
		t.Error("the root filesystem of the Dockerfile differs from that of the image")
		for _, name := range slices.Sorted(maps.Keys(got)) {
			t.Logf("Dockerfile: %s: %.40s…; image: %.40s…", name, got[name], want[name])
		}
	}
}

func TestTheDockerfileRunsTheSameProgramAsTheSameUser(t *testing.T) {
	instructions := dockerfile(t)
	config := configOf(t, loaded(t, "amd64"))
	entrypoint, err := json.Marshal(config.Config.Entrypoint)
	if err != nil {
		t.Fatal(err)
	}
	for instruction, want := range map[string]string{
		"USER": config.Config.User, "ENTRYPOINT": string(entrypoint), "WORKDIR": config.Config.WorkingDir,
		"FROM": "scratch",
	} {
		values := instructions[instruction]
		if len(values) == 0 || values[len(values)-1] != want {
			t.Errorf("%s is %q in the Dockerfile, want %q in the end", instruction, values, want)
		}
	}
	for _, instruction := range []string{"CMD", "ENV", "VOLUME", "EXPOSE", "ADD"} {
		if values := instructions[instruction]; len(values) > 0 {
			t.Errorf("the Dockerfile has %s %q, the image has nothing of it", instruction, values)
		}
	}
	if got, want := labels(t, instructions), config.Config.Labels; !maps.Equal(got, want) {
		t.Errorf("the Dockerfile's labels are %q, want %q", got, want)
	}
}

func TestTheDockerfileBuildsWithTheGoOfTheModule(t *testing.T) {
	module := string(read(t, filepath.Join(repository, "go.mod")))
	_, rest, _ := strings.Cut(module, "\ngo ")
	version, _, _ := strings.Cut(rest, "\n")
	language := version[:strings.LastIndex(version, ".")]
	want := "--platform=$BUILDPLATFORM golang:" + language + " AS build"
	if got := dockerfile(t)["FROM"][0]; got != want {
		t.Errorf("the Dockerfile builds FROM %s, want %s: go.mod says go %s", got, want, version)
	}
}

// dockerfile reads the instructions of the Dockerfile in their order.
func dockerfile(t *testing.T) map[string][]string {
	t.Helper()
	content := strings.ReplaceAll(string(read(t, filepath.Join(repository, "Dockerfile"))), "\\\n", "")
	instructions := map[string][]string{}
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		instruction, rest, _ := strings.Cut(line, " ")
		instructions[instruction] = append(instructions[instruction], strings.TrimSpace(rest))
	}
	return instructions
}

// labels of the Dockerfile, as they are when it is built for the test. It does not know the time of the commit,
// so that one is what the image says.
func labels(t *testing.T, instructions map[string][]string) map[string]string {
	t.Helper()
	values := map[string]string{"VERSION": testVersion, "COMMIT": testCommit}
	labels := map[string]string{"org.opencontainers.image.created": "2023-11-14T22:13:20Z"}
	for _, instruction := range instructions["LABEL"] {
		for assignment := range strings.SplitSeq(instruction, `" `) {
			key, value, _ := strings.Cut(strings.TrimSpace(assignment), "=")
			value = strings.Trim(value, `"`)
			labels[key] = os.Expand(value, func(name string) string { return values[name] })
		}
	}
	return labels
}

// tree lists what is below a directory, with permissions and content.
func tree(t *testing.T, directory string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == directory {
			return err
		}
		information, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(directory, path)
		if err != nil {
			return err
		}
		var content []byte
		if !entry.IsDir() {
			content = read(t, path)
		}
		found[name] = describe(information.Mode().Perm(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func describe(mode fs.FileMode, content []byte) string {
	return fmt.Sprintf("%04o %s", mode.Perm(), content)
}

// Image makes the container image of varmenne-issuer without a container engine: archives that every engine
// loads and every registry tool pushes. `make image` runs it.
//
//	image [flags] ARCHITECTURE=BINARY...   writes the archives of an image for these architectures
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var (
		build release
		epoch int64
		out   string
	)
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&build.repository, "repository", "varmenne/varmenne-issuer", "name of the image")
	flags.StringVar(&build.version, "version", "unknown", "version of the program; the tag of the image")
	flags.StringVar(&build.commit, "commit", "unknown", "commit that the program was built from")
	flags.Int64Var(&epoch, "epoch", 0, "when the image was made, in seconds since 1970; the same bytes need the same time")
	flags.StringVar(&out, "out", ".", "directory for the archives")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	build.created = time.Unix(epoch, 0).UTC()
	binaries, err := parseBinaries(flags.Args())
	if err != nil {
		return err
	}
	return writeArchives(out, build, binaries)
}

// binary is the program, built for one architecture.
type binary struct {
	architecture string // as Go and OCI call it: amd64, arm64
	path         string
}

func parseBinaries(arguments []string) ([]binary, error) {
	if len(arguments) == 0 {
		return nil, errors.New("no binary given; wanted ARCHITECTURE=BINARY, for instance amd64=bin/varmenne-issuer")
	}
	binaries := make([]binary, 0, len(arguments))
	for _, argument := range arguments {
		architecture, path, found := strings.Cut(argument, "=")
		if !found {
			return nil, fmt.Errorf("%q is not of the form ARCHITECTURE=BINARY", argument)
		}
		binaries = append(binaries, binary{architecture: architecture, path: path})
	}
	return binaries, nil
}

// Release puts together what a release of varmenne-issuer has, and publishes it. `make release` and `make publish`
// run it.
//
//	release check [flags]      fails where the tree is not that of the version's tag
//	release assemble [flags]   writes the directory of the release from what has been built
//	release publish [flags]    pushes image and chart to a registry, with what belongs to them
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("say what to do: check, assemble or publish")
	}
	switch command, rest := arguments[0], arguments[1:]; command {
	case "check":
		return runCheck(ctx, rest)
	case "assemble":
		return runAssemble(ctx, rest)
	case "publish":
		return runPublish(ctx, rest)
	default:
		return fmt.Errorf("there is no command %q: check, assemble or publish", command)
	}
}

func runCheck(ctx context.Context, arguments []string) error {
	var repository, version, commit string
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.StringVar(&repository, "repository", ".", "root of the repository")
	flags.StringVar(&version, "version", "", "version of the release, without the v of its tag")
	flags.StringVar(&commit, "commit", "", "commit that will be named; left out, that of the tag")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return check(ctx, repository, version, commit)
}

func runAssemble(ctx context.Context, arguments []string) error {
	var a assembly
	flags := flag.NewFlagSet("assemble", flag.ContinueOnError)
	flags.StringVar(&a.repository, "repository", ".", "root of the repository")
	flags.StringVar(&a.version, "version", "", "version of the release, without the v of its tag")
	flags.StringVar(&a.commit, "commit", "", "commit that everything was built from")
	flags.Int64Var(&a.epoch, "epoch", 0, "time of the files in the chart's archive, in seconds since 1970")
	flags.StringVar(&a.images, "images", "", "directory with the archives of the image")
	flags.StringVar(&a.program, "program", "", "the program in one of the images, which says what Go built it")
	flags.StringVar(&a.plugins, "plugins", "", "directory with the archives of the plugin and the manifest of Krew")
	flags.StringVar(&a.sbom, "sbom", "", "directory with the bills of materials and the texts of the licenses")
	flags.StringVar(&a.helm, "helm", "helm", "the helm that packages the chart")
	flags.StringVar(&a.out, "out", "", "directory of the release; it is made anew")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return a.write(ctx)
}

func runPublish(ctx context.Context, arguments []string) error {
	var (
		p   publication
		key string
	)
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	flags.StringVar(&p.directory, "directory", "", "directory of the release")
	flags.StringVar(&p.registry, "registry", "", "where to: HOST[:PORT][/PATH]; credentials are those of `docker login`")
	flags.StringVar(&key, "key", "", "file with a private ECDSA P-256 key (PEM) of openssl, or of cosign with its "+
		"password in "+passwordVariable+", which signs image, provenance and chart")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if key != "" {
		var err error
		if p.key, err = readKey(key); err != nil {
			return err
		}
	}
	p.progress = os.Stdout
	return p.push(ctx)
}

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// packageChart packages the chart with a version, which is its appVersion and so the tag of its image, too. Helm writes
// the times of the files on this machine into its archive; here they are all the same one.
func packageChart(ctx context.Context, helm, chart, version string, modified time.Time) ([]byte, error) {
	directory, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	command := exec.CommandContext(ctx, helm, "package", chart, "--version", version, "--app-version", version,
		"--destination", directory)
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("packaging the chart: %w: %s", err, output)
	}
	packed, err := os.ReadFile(filepath.Join(directory, chartArchive(version)))
	if err != nil {
		return nil, err
	}
	return repack(packed, version, modified)
}

// chartDirectory is where the chart is in the repository.
const chartDirectory = "charts/" + program

// chartArchive is the name that helm gives the archive.
func chartArchive(version string) string { return program + "-" + version + ".tgz" }

// repack writes an archive anew, with one time for all files and nothing else of where it was made. The links of the
// chart's page lead to the tag.
func repack(packed []byte, version string, modified time.Time) ([]byte, error) {
	var repacked bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&repacked, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	err = eachFile(bytes.NewReader(packed), func(name string, content []byte) error {
		if name == program+"/README.md" {
			content = []byte(resolveLinks(string(content), chartDirectory, version))
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: modified,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := archive.Write(content)
		return err
	})
	if err := errors.Join(err, archive.Close(), compressed.Close()); err != nil {
		return nil, err
	}
	return repacked.Bytes(), nil
}

// eachFile calls back for each file of an archive (.tgz).
func eachFile(packed io.Reader, do func(name string, content []byte) error) error {
	decompressed, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(decompressed); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.ReadAll(decompressed) // The checksum is behind the last file.
			return err
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if err := do(header.Name, content); err != nil {
			return err
		}
	}
}

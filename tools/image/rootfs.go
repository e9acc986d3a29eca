package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// What is in the image, and how it runs.
const (
	program = "varmenne-issuer"
	// certificates is where Go, OpenSSL and the extra bundle of the chart look for CA certificates.
	certificates = "etc/ssl/certs/ca-certificates.crt"
	user         = "65532:65532"
	entrypoint   = "/" + program
)

// file is a regular file of the root filesystem. It belongs to root: the user it runs as can change none.
type file struct {
	path    string // without the leading slash
	mode    fs.FileMode
	content []byte
}

// rootfs is everything that is in the image: the program and the CA certificates it trusts by default.
func rootfs(binary string) ([]file, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	return []file{
		{path: certificates, mode: 0o644, content: caCertificates()},
		{path: program, mode: 0o755, content: content},
	}, nil
}

// caCertificates are Mozilla's roots as PEM. A root that is trusted only for certificates from before some
// day is left out, because PEM cannot say so.
func caCertificates() []byte {
	var bundled bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			bundled.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return bundled.Bytes()
}

// parents are the directories that the file lies in, the outermost first; the root itself is not among them.
func (f file) parents() []string {
	var parents []string
	for i, character := range f.path {
		if character == '/' {
			parents = append(parents, f.path[:i])
		}
	}
	return parents
}

// pack writes the files as the one layer of the image. It has no times, owners or names that could differ.
func pack(files []file) ([]byte, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	known := map[string]bool{}
	for _, f := range files {
		for _, parent := range f.parents() {
			if known[parent] {
				continue
			}
			known[parent] = true
			header := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimSuffix(parent, "/") + "/", Mode: 0o755}
			if err := archive.WriteHeader(header); err != nil {
				return nil, fmt.Errorf("packing %s: %w", parent, err)
			}
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: int64(f.mode), Size: int64(len(f.content))}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.path, err)
		}
		if _, err := archive.Write(f.content); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("packing the layer: %w", err)
	}
	return layer.Bytes(), nil
}

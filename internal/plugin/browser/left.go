package browser

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/utils/clock"
)

const (
	// pattern of the file's name, as os.CreateTemp takes it.
	pattern = "varmenne-*.html"
	// old is the age of a file that no browser is about to read any more.
	old = 10 * time.Minute
)

// removeLeft removes the files that programs have left in a directory which were killed: their address leads nowhere.
func removeLeft(directory string) {
	directory = cmp.Or(directory, os.TempDir())
	names, _ := filepath.Glob(filepath.Join(directory, pattern)) // of a directory that is none there are none
	for _, name := range names {
		if isLeft(name) {
			_ = os.Remove(name) // whoever cleans up may have been faster
		}
	}
}

// isLeft reports whether a file is one of ours, and old. A person may call a page of their own as we call ours.
func isLeft(name string) bool {
	found, err := os.Lstat(name)
	if err != nil || !found.Mode().IsRegular() || (clock.RealClock{}).Since(found.ModTime()) < old {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	begins := make([]byte, len(beginning))
	_, err = io.ReadFull(file, begins)
	return err == nil && bytes.Equal(begins, []byte(beginning))
}

package app

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseProgram gives back the pages of the program that are mapped. Half of them only its start has needed, and the
// kernel maps neighbours of each that is; those that are needed are mapped again, from what is cached of the file.
func releaseProgram() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	for _, found := range programPages(maps, program) {
		// A page that is not given back is no harm.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, found.from, found.to-found.from, syscall.MADV_DONTNEED)
	}
}

// pages is a range of addresses.
type pages struct{ from, to uintptr }

// programPages are those of a program's file that are as they are there, by the smaps of a process: never written, nor
// to be written.
func programPages(smaps io.Reader, program string) []pages {
	var found []pages
	var last pages
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 3 && fields[0] == "Anonymous:":
			if candidate && fields[1] == "0" {
				found = append(found, last)
			}
			candidate = false
		case len(fields) > 1 && !strings.HasSuffix(fields[0], ":"):
			const withFile, whose = 6, 5
			readOnly := fields[1] == "r--p" || fields[1] == "r-xp"
			candidate = readOnly && len(fields) == withFile && fields[whose] == program
			var valid bool
			last, valid = parseRange(fields[0])
			candidate = candidate && valid
		}
	}
	return found
}

// parseRange reads "00400000-01a3b000".
func parseRange(text string) (pages, bool) {
	from, to, _ := strings.Cut(text, "-")
	const hexadecimal = 16
	begin, err := strconv.ParseUint(from, hexadecimal, strconv.IntSize)
	if err != nil {
		return pages{}, false
	}
	end, err := strconv.ParseUint(to, hexadecimal, strconv.IntSize)
	return pages{uintptr(begin), uintptr(end)}, err == nil && begin < end
}

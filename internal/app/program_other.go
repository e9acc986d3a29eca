//go:build !linux

package app

// releaseProgram is for Linux, where the controller runs.
func releaseProgram() {}

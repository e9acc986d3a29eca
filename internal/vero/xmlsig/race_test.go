//go:build race

package xmlsig_test

// slowdown is how much longer everything may take with the race detector.
const slowdown = 10

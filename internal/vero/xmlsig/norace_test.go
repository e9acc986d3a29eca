//go:build !race

package xmlsig_test

// slowdown is how much longer everything may take with the race detector, which is off.
const slowdown = 1

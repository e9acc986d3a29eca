// Package app puts the controller together: flags, scheme, caches, controllers, probes and metrics. What main runs is
// what the end-to-end tests and the demo run.
package app

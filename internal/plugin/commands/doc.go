// Package commands holds the verbs of `kubectl varmenne`: each reads what it needs with the caller's own rights, says
// what it sees, and writes what it was told to. What waits for whom it has from package overview.
package commands

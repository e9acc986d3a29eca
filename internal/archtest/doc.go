// Package archtest holds the architecture of this module as a test: which package may import which, and which
// packages are free of Kubernetes clients. That what comments cite can be found is tested here, too, and that a commit
// is refused whose subject breaks the rule. It has no code of its own.
//
// The rules are the table in rules_test.go. A package that the table does not know fails the test, so that every
// new package begins with a decision about its place; so does a row whose package is gone. Only what ships is
// judged: tests may import what they like (the client's tests run against the simulator).
package archtest

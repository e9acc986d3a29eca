// Package helper is one that no rule knows.
package helper

// Package browser opens an address that holds a secret in the browser of the person at this machine, and shows the
// secret to nobody else who uses it.
package browser

// Package ui serves a page on loopback that shows what waits for whom, and where a person does what is theirs to do. It
// is rendered here, works without script, and acts with the rights of whoever has started it; so nobody else may reach
// it, who has an account on the same machine, or a page in the same browser.
package ui

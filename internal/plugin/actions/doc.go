// Package actions does what a person has to do: it finds a manual order, checks what an authority has sent, notes an
// application, and acknowledges a notice. The verbs of kubectl varmenne and its page share it.
package actions

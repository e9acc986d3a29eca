// Package rotator carries out what package rotation decides: it reads a MessagesPassword and its Secrets, writes down
// what is about to be done, does it, and writes down what has come of it. It keeps to the order that package rotation
// asks for, and decides nothing itself.
//
// Secrets are read one by one, from the API server. The password of an account is written to two of them only: the one
// that spec.secretRef names, and the one beside it while a rotation is in flight.
package rotator

// Package client makes the three calls of the Suomi.fi Messages REST API that a change of its password needs: a token
// for a password, another password in place of the current one, and the events that a token opens.
//
// What came of a call is data, not an error: an Outcome, and what people may read of it. Nothing in it shows a password
// or a token, not even where the service repeats them. No call is repeated here.
package client

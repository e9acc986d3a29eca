// Package client carries the messages of package protocol to the certificate service over HTTPS and brings back
// what the service has signed.
//
// A call opens a connection of its own, follows no redirect, reads at most a bounded response, and is never repeated
// behind the caller's back: a SignNewCertificate that was sent twice would have spent its credentials on the first.
// Every response passes package xmlsig before package protocol reads it. Every failure from the moment on at which the
// service is connected to is a vero.CallError, which says whether the service can have processed the request; other
// errors mean that nothing was sent. The same failure reads the same each time, and none shows a transfer password.
package client

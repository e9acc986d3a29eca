// Package request is the gate: it watches CertificateRequests that name our issuers, sees to approval, refuses what
// can never work, finds or creates the VeroOrder that a request needs, and mirrors what becomes of it. It speaks no
// protocol and spends nothing.
//
// One reconcile:
//
//  1. Requests of other issuers, and those that have ended, are left alone. One of our group, with a kind that it has
//     not, is told which kinds there are.
//  2. A denial is recorded; without an approval nothing happens, and after a while the request says so.
//  3. The issuer, the orders, the credentials and the current certificate are read (gather.go).
//  4. issuance.Decide says what to do, and execute.go does it.
//  5. Status is patched once, if it has changed, and a change of its message becomes one event.
package request

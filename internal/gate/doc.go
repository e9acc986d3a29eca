// Package gate watches CertificateRequests that name issuers of our group: it sees to approval, lets a Backend decide
// what an approved request needs, carries that out, and tells what becomes of it in status, events and metrics. It
// knows no kind of issuer, speaks no protocol and spends nothing.
//
// One reconcile:
//
//  1. Requests of other issuers, and those that have ended, are left alone. One of our group, with a kind that it has
//     not, is told which kinds there are.
//  2. A denial is recorded; without an approval nothing happens, and after a while the request says so.
//  3. The Backend of the issuer's kind decides (backend.go), and execute.go does it.
//  4. If a certificate in use is to be replaced and that takes too long, the request says so (expiry.go).
//  5. Status is patched once, if it has changed; then events and metrics tell the same (report.go), also of what the
//     cluster has refused meanwhile.
package gate

// Package outline is what the cache keeps of CertificateRequests and ManualOrders, of which thousands may wait for
// weeks: what finds them, what says whether there is anything to do, and what metrics tell. The fields of its types are
// all that there is. Whoever decides about one of them, or writes it, reads the object itself from the API server: no
// client that knows these types knows those of the API, and the other way round.
//
// VeroOrders are kept in their own type. Of one that is Submitted or Issued some fields are left out: see Trim.
package outline

// Package issuance is the state machine, as pure functions: what to do next (Decide), and what an answer has changed
// (Intend, RecordSubmission, RecordPoll, End, HoldUp). It calls nothing and reads no clock; callers gather a Snapshot,
// execute the Action and write the result.
//
// Which operation a CertificateRequest needs:
//
//	current certificate   window   unspent credentials   action
//	none or unusable      –        yes                   SignNewCertificate
//	none or unusable      –        no                    wait for credentials
//	usable                open     –                     RenewCertificate
//	usable                closed   yes, and the          SignNewCertificate: somebody bought a new one on purpose
//	                               Certificate names
//	                               their Secret
//	usable                closed   no, or the issuer's   hold until the window opens
//	                               default
//
// A certificate whose renewal the service has refused (PKI015) is unusable; where a renewal has failed otherwise,
// credentials go before another try. Before the table comes what exists already: a certificate that was issued for the
// request's key is delivered, and an order for it that may have been accepted is followed, whatever else has changed.
//
// How a VeroOrder goes on. What costs money is on the way from Submitting to Submitted, so the intent is written
// before the call and the outcome right after it:
//
//	   ┌──────── refused without having been processed (no connection, unread, PKI005, PKI080, PKI099) ─┐
//	   ▼                                                                                                │
//	Pending ──── Intend ───► Submitting ── no answer to rely on: uncertain, sent again ──┐              │
//	   │                      │ │ │  ▲                                                   │              │
//	   │                      │ │ │  └───────────────────────────────────────────────────┘              │
//	   │                      │ │ └─────────────────────────────────────────────────────────────────────┘
//	   │                      │ └─── accepted: RetrievalId ───► Submitted ── PKI099, no connection, ──┐
//	   │                      │                                  │   │  ▲    wrong certificate        │
//	   │                      │                                  │   │  └── asked again later ────────┘
//	   │                      │ PKI010, PKI015,                  │   └─── verified and checked ──► Issued
//	   │                      │ PKI020, PKI030,                  │ PKI020
//	   │ given up             ▼ or given up                      │
//	   └───────────────────► Failed ◄────────────────────────────┘
//
// An order found in Submitting was interrupted: it was sent, or it was not. It is sent again with the same
// authorisation, because what was lost with the answer is lost already, and what never arrived costs nothing.
//
// An order is given up when nobody wants it any more, its issuer names another customer, its credentials were replaced
// or accepted for another order, or the certificate that it renews has expired, is gone, cannot sign, or gives way to
// credentials. In Submitting that is without the service's word.
//
// An answer that arrives late, from a controller that was frozen in the middle of its call, revives a failed order: a
// RetrievalId leads to Submitted, a certificate to Issued. Neither is ever thrown away.
//
// Nobody gives up an accepted order but a person, by deleting it; the messages of those that have long waited say so.
package issuance

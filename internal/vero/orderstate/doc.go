// Package orderstate is the state machine of a VeroOrder, as pure functions: what to do next (Decide), and what a call
// of the certificate service has changed (RecordIntent, RecordSubmission, RecordPoll, RecordFailure, RecordWaiting), or
// a person (RecordAdoption). It calls nothing and reads no clock; callers gather a Snapshot, carry out the Action and
// write the result.
//
// How a VeroOrder goes on. What costs money is on the way from Submitting to Submitted, so the intent is written
// before the call and the outcome right after it:
//
//	   ┌──────── refused without having been processed (no connection, unread, PKI005, PKI080, PKI099) ─┐
//	   ▼                                                                                                │
//	Pending ─ RecordIntent ► Submitting ── no response to rely on: uncertain, sent again ┐              │
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
// authorization, because what was lost with the response is lost already, and what never arrived costs nothing.
//
// An order is given up when nobody wants it any more, its issuer names another customer, its credentials were replaced
// or accepted for another order, or the certificate that it renews has expired, is gone, cannot sign, or gives way to
// credentials. In Submitting that is without the service's word.
//
// A response that arrives late, from a controller that was frozen in the middle of its call, revives a failed order: a
// RetrievalId leads to Submitted, a certificate to Issued. Neither is ever thrown away.
//
// So does a RetrievalId that the annotation AnnotationAdoptRetrievalID brings: a person sets it, or who makes a deleted
// order again. It is written into the status before the annotation is removed, and before anything else is done, so
// that nothing is sent for an order that has a RetrievalId to try.
//
// Nobody gives up an accepted order but a person, by deleting it; the messages of those that have long waited say so.
package orderstate

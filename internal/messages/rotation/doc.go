// Package rotation is the state machine of a MessagesPassword, as pure functions: what to do next (Decide), what has to
// be written down before it is done (Intend), and what has come of it (RecordLogin, RecordSend, RecordCommit). It calls
// nothing, reads no clock, and never sees a password: only whether two are equal.
//
// How a rotation goes. "current" is the password in the Secret when it begins, "new" the one that takes its place. A
// Secret beside it, of a fixed name (StagingName), holds both from before the first sending until one is proved:
//
//	  ┌───────────────────────── never sent: retired ─────────────────────────┐
//	  ▼                                                                       │
//	Idle ── current proved by token and events, staging created ─────► Prepared
//	  ▲                                                                   │ intent written; a fresh token, then change
//	  │ Secret updated (the one commit point), staging retired            ▼
//	  ├──────── new proved by token and events ◄──────── accepted ────  Sent
//	  │                                                                 │  ▲
//	  │ new proved, or                          lost or refused response│  │ current proved: sent again, the same
//	  │ a person's password proved, or                                  ▼  │
//	  └─ refused on five days with current proved after the last ─── Settling ─ both refused: kept, asked again
//
// Whoever carries decisions out keeps to this order:
//
//  1. Read the object, the Secret and the staging Secret, none of them from a cache, into a Snapshot.
//  2. Decide; Intend; write the status, with the resourceVersion that was read, if it has changed. After a conflict
//     begin anew.
//  3. Carry the decision out, beginning within BeginWithin of Snapshot.Now and ending within CallTimeout of it, and
//     neither later. A controller that was frozen in between does nothing any more.
//  4. Record what came of it, with the resourceVersion that step 2 has left. A conflict: drop it. What the intent has
//     assumed is always the worst.
//  5. Begin anew, until the decision is to Wait; then again at its time, or after SecretCheck, whichever comes first.
//
// The staging Secret has no ownerReference: it must outlive its MessagesPassword.
package rotation

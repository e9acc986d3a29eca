// Package orderstate is the state machine of a ManualOrder, as pure functions: from what is known of an order follows
// what it says, whose turn it is, and when that changes by time alone. It calls nothing and reads no clock.
//
//	AwaitingApplication ─ application noted ─► Applied
//	        │                                    │
//	        ├────────── certificate taken ───────┤
//	        ▼                                    ▼
//	  AwaitingValidity ─── it has begun ───►  Issued
//
// What was brought back and cannot be used leaves the state as it is. From every state but Issued an order becomes
// Stale when no request waits for its key and names, and it goes on where it was when one does again. What was brought
// back to a stale one is used for another order with its key, or refused.
package orderstate

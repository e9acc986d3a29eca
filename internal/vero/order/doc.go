// Package order executes orders: it sends what orderstate.Decide wants sent, and writes down what came of it.
//
// The intent is written, with the resourceVersion that was read, before the call; the outcome is written right after
// it, before anything else, on a context of its own that outlives a shutdown for a bounded time. Orders are read from
// the API server, never from the cache, because a decision made from an old order could spend something twice.
package order

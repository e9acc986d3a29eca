// Package status writes what users read: conditions, and events on transitions only. Every condition goes to the API
// server through one patch at the end of a reconcile, and only if something has changed.
package status

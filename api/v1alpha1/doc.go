// Package v1alpha1 is the API of varmenne-issuer, version v1alpha1 of the group varmenne.dev.
//
// A VeroIssuer (one namespace) or VeroClusterIssuer (all namespaces) says on whose behalf certificates are
// asked for, where, and whose signatures are believed. A VeroOrder is the durable record of one request to the
// certificate service; the controller writes it, people read it.
//
// The kinds are in types_issuer.go, types_order.go and types_order_status.go, what the two kinds of issuer have in
// common in issuer.go. What people read in a status or an event, condition types and reasons, is in conditions.go; the
// annotations, labels and keys of Secrets that objects are marked and found with are in names.go. The comments of these
// two files become the page docs/reference/conditions.md.
//
// +kubebuilder:object:generate=true
// +groupName=varmenne.dev
package v1alpha1

// Package v1alpha1 is the API of varmenne-issuer, version v1alpha1 of the group varmenne.dev.
//
// A VeroIssuer (one namespace) or VeroClusterIssuer (all namespaces) says on whose behalf certificates are
// asked for, where, and whose signatures are believed. A VeroOrder is the durable record of one request to the
// certificate service; the controller writes it, people read it.
//
// +kubebuilder:object:generate=true
// +groupName=varmenne.dev
package v1alpha1

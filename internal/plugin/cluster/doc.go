// Package cluster reads and writes the objects of a cluster with the rights of whoever runs the plugin. It lists in
// chunks, keeps of objects what somebody asks for, and names the right that is missing where the API server refuses.
// It needs no discovery: it knows the few kinds that it is about.
package cluster

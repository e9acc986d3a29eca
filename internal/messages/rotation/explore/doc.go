// Package explore holds tests only. It visits, breadth first and up to a depth, every history of a rotation: the real
// Decide, Intend and Record functions of one or two controllers together with a model of the service, the cluster, and
// people who intervene. States are compared by what can matter for what comes, so that a history that leads to where
// another has led is not followed twice. In each state the invariants hold, and from each the rotation comes to an end.
package explore

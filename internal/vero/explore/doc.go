// Package explore holds tests only. It visits, breadth first and up to a depth, every history of the orders of some
// requests: the real functions of plan and orderstate, called by one or two controllers, together with a model of the
// certificate service, the cluster, and people who intervene. States are compared by what can matter for what comes, so
// that a history that leads to where another has led is not followed twice. In each state the invariants hold, and from
// each every request comes to its end.
package explore

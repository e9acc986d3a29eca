// Package overview says what waits for whom: from the objects of a cluster, as they were listed, it makes one row for
// each certificate and password, with its state, its dates, whose turn it is, and the objects behind it. What the
// controllers write into conditions is taken from there. It calls nothing, prints nothing and reads no clock.
package overview

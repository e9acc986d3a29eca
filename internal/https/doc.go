// Package https makes single calls over HTTPS, for every client of ours alike: on a connection of its own, from TLS 1.2
// on, through the proxy of the environment if there is one, to hosts and addresses that a rule allows, with bounds on
// times and headers, without redirections, and never repeated behind the caller's back.
//
// A call that brings no response is a ConnectionError, which says whether the request can have been sent. The same
// failure reads the same each time, and shows nothing of what was sent.
package https

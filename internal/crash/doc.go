// Package crash holds the tests of the promise that nothing is paid twice and nothing that was paid for is lost, and of
// the one that the password of Suomi.fi Messages is never lost and its account never locked. They take one issuance, or
// one rotation, apart into its steps (every write to the API server, every call of a service) and let
// something go wrong at each of them: the controller ends, a write conflicts, the API server is away, the clock jumps.
//
// API server, simulator, protocol and reconcilers are the real ones. What is played is cert-manager's part, the
// triggers of a manager, and time: the controllers work until there is nothing left to do, and then the clock goes to
// the moment at which the first of them wants to look again. So an issuance takes about a second, not minutes.
package crash

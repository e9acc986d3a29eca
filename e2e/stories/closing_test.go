package stories

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// closingChecks are what has to hold after all test cases, whatever happened in them.
var closingChecks = testkit.Checks[*environment]{
	"every RetrievalId of an order is in the log of a service":                  checkServices,
	"no certificate is asked for earlier than ten seconds after the acceptance": checkFirstPolls,
	"credentials are not sent again once the service's acceptance has arrived":  checkSubmissions,
	"no log of a controller knows of a failure of its own":                      checkLogs,
	"no controller ever lacks a permission":                                     checkPermissions,
	"no password and no private key is said anywhere":                           checkSecrecy,
}

// ledger is what the test cases leave behind for the closing checks.
type ledger struct {
	secrecy.Ledger

	// rows are the namespaces of the page's rows, deleted those of them that are gone.
	rows, deleted namespaces
	mutex         sync.Mutex
	requests      []admin.Request
	// calm is when the cluster was disturbed for the last time, and how much each controller had logged by then.
	calm struct {
		since  time.Time
		logged map[string]int
	}
}

// namespaces are a set of names. The zero value is empty. It is safe for concurrent use.
type namespaces struct{ names sync.Map }

func (n *namespaces) add(name string) { n.names.Store(name, true) }

// has reports whether a name is one of them.
func (n *namespaces) has(name string) bool {
	_, known := n.names.Load(name)
	return known
}

// in returns the one that a text names, and nothing if it names none.
func (n *namespaces) in(text string) (found string) {
	n.names.Range(func(key, _ any) bool {
		if name, _ := key.(string); strings.Contains(text, name+"/") || strings.Contains(text, name+" ") {
			found = name
		}
		return found == ""
	})
	return found
}

// remember keeps what a service was asked.
func (l *ledger) remember(asked []admin.Request) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.requests = append(l.requests, asked...)
}

// The controllers: their processes and ServiceAccounts, and who they are to the API server.
const (
	issuingName = "varmenne-issuer"
	userPrefix  = "system:serviceaccount:varmenne-issuer:"
)

func controllers() []string { return []string{issuingName, world.MessagesName} }

// checkServices: what the next two checks read is what the orders have, too. One of a row may be made again for its
// RetrievalId, after all of the row was removed.
func checkServices(ctx context.Context, e *environment) error {
	given := map[string]bool{}
	for _, request := range e.requests {
		given[request.RetrievalID] = given[request.RetrievalID] || request.Accepted
	}
	orders := &v1alpha1.VeroOrderList{}
	if err := e.Client.List(ctx, orders); err != nil {
		return err
	}
	var failures []error
	for _, order := range orders.Items {
		if id := order.Status.RetrievalID; id != "" && !given[id] && !e.rows.has(order.Namespace) {
			failures = append(failures, fmt.Errorf("no service knows of RetrievalId %s of VeroOrder %s/%s, among %d requests",
				id, order.Namespace, order.Name, len(e.requests)))
		}
	}
	return errors.Join(failures...)
}

// checkFirstPolls reads in the logs of all services when each RetrievalId was given and first used.
func checkFirstPolls(_ context.Context, e *environment) error {
	const wait = 10 * time.Second
	given := map[string]time.Time{}
	for _, request := range e.requests {
		if request.Operation != get && request.RetrievalID != "" {
			given[request.RetrievalID] = request.Time
		}
	}
	var failures []error
	polled := 0
	for _, request := range e.requests {
		accepted, known := given[request.RetrievalID]
		if request.Operation != get || !known {
			continue
		}
		polled++
		if after := request.Time.Sub(accepted); after < wait {
			failures = append(failures, fmt.Errorf("RetrievalId %s was used after %s", request.RetrievalID, after))
		}
	}
	if polled == 0 && len(given) > 0 {
		failures = append(failures, fmt.Errorf("none of %d certificates was asked for", len(given)))
	}
	return errors.Join(failures...)
}

// checkSubmissions: what was accepted is spent, and whoever sends it again has not understood the response. Where a
// fault has taken the response away, once more is right.
func checkSubmissions(_ context.Context, e *environment) error {
	spent := map[string]admin.Request{}
	var failures []error
	for _, request := range e.requests {
		if request.Operation != signNew {
			continue
		}
		if earlier, found := spent[request.TransferID]; found && earlier.Fault == "" {
			failures = append(failures, fmt.Errorf("TransferId %s was accepted and sent again: %+v",
				request.TransferID, request))
		}
		// What is accepted with a Detail will be refused at GetCertificate: nothing is spent with it.
		if request.Accepted && request.Detail == "" {
			spent[request.TransferID] = request
		}
	}
	return errors.Join(failures...)
}

// checkPermissions reads in the API server's audit log what the controllers were refused.
func checkPermissions(_ context.Context, e *environment) error {
	failures := make([]error, 0, len(controllers()))
	for _, controller := range controllers() {
		failures = append(failures, e.checkPermissions(userPrefix+controller))
	}
	return errors.Join(failures...)
}

func (e *environment) checkPermissions(user string) error {
	entries, err := testkit.ReadAuditLog(e.Cluster.AuditLog(), user)
	if err != nil {
		return err
	}
	var refused []string
	asked := 0
	for _, entry := range entries {
		// An API server that has just started knows no roles for a moment, and nobody may create in a namespace that ends.
		if entry.User.Username != user || entry.StageTimestamp.Before(e.calm.since) ||
			e.deleted.in(entry.RequestURI) != "" {
			continue
		}
		asked++
		text := entry.Verb + " " + entry.RequestURI + ": " + entry.ResponseStatus.Message
		if entry.ResponseStatus.Code == http.StatusForbidden && !slices.Contains(refused, text) {
			refused = append(refused, text)
		}
	}
	if asked == 0 {
		return fmt.Errorf("the audit log holds nothing of %s", user)
	}
	if len(refused) > 0 {
		return errors.New(strings.Join(refused, "\n"))
	}
	return nil
}

var unwanted = regexp.MustCompile(`forbidden|Reconciler error|panic|could not be written`)

// notStreamed is what the libraries say, for debugging, of an API server that is too old to stream lists.
const notStreamed = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"

// checkLogs looks in the controllers' logs for what nobody should have to read there. What comes of a disturbance or of
// a row of the page may not be a panic, and not more than a few errors of a namespace that is gone.
func checkLogs(_ context.Context, e *environment) error {
	replicas := e.Replicas()
	failures := make([]error, 0, len(replicas))
	for name, replica := range replicas {
		failures = append(failures, e.checkLog(replica.LogFile(), e.calm.logged[name]))
	}
	return errors.Join(failures...)
}

func (e *environment) checkLog(file string, calm int) error {
	const few = 3
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var found []string
	errorsOf, read := map[string]int{}, 0
	for line := range strings.Lines(string(content)) {
		read += len(line)
		gone := ""
		if strings.Contains(line, "level=ERROR") {
			gone = e.deleted.in(line)
			errorsOf[gone]++
		}
		if strings.Contains(line, "panic") || gone != "" && errorsOf[gone] > few ||
			read > calm && unwanted.MatchString(strings.ReplaceAll(line, notStreamed, "")) && e.rows.in(line) == "" {
			found = append(found, strings.TrimSpace(line))
		}
	}
	if len(found) == 0 {
		return nil
	}
	const some = 5
	return fmt.Errorf("%s: %d lines, of which these are the first:\n%s",
		file, len(found), strings.Join(found[:min(len(found), some)], "\n"))
}

// checkSecrecy looks for every password and every private key of the test cases in everything that was said.
func checkSecrecy(ctx context.Context, e *environment) error {
	said, err := secrecy.Told(ctx, e.World)
	if err != nil {
		return err
	}
	return e.Check(said)
}

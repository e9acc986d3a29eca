package stories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// closingChecks are what has to hold after all stories, whatever happened in them.
var closingChecks = testkit.Checks[*stage]{
	"every RetrievalId of an order is in the log of a service":                  checkServices,
	"no certificate is asked for earlier than ten seconds after the acceptance": checkFirstPolls,
	"credentials are not sent again once the service's acceptance has arrived":  checkSubmissions,
	"the controller's log knows of no failure of its own":                       checkLog,
	"the controller never lacks a permission":                                   checkPermissions,
	"no password and no private key is told anywhere":                           checkSecrecy,
}

// controllerUser is who the controller is to the API server.
const controllerUser = "system:serviceaccount:varmenne-issuer:varmenne-issuer"

// checkServices: what the next two checks read is what the orders tell of, too.
func checkServices(ctx context.Context, s *stage) error {
	given := map[string]bool{}
	for _, request := range s.requests {
		given[request.RetrievalID] = given[request.RetrievalID] || request.Accepted
	}
	orders := &v1alpha1.VeroOrderList{}
	if err := s.Client.List(ctx, orders); err != nil {
		return err
	}
	var failures []error
	for _, order := range orders.Items {
		if id := order.Status.RetrievalID; id != "" && !given[id] {
			failures = append(failures, fmt.Errorf("no service knows of RetrievalId %s of VeroOrder %s/%s, among %d requests",
				id, order.Namespace, order.Name, len(s.requests)))
		}
	}
	return errors.Join(failures...)
}

// checkFirstPolls reads in the logs of all services when each RetrievalId was given and first used.
func checkFirstPolls(_ context.Context, s *stage) error {
	const wait = 10 * time.Second
	given := map[string]time.Time{}
	for _, request := range s.requests {
		if request.Operation != "GetCertificate" && request.RetrievalID != "" {
			given[request.RetrievalID] = request.Time
		}
	}
	var failures []error
	polled := 0
	for _, request := range s.requests {
		accepted, known := given[request.RetrievalID]
		if request.Operation != "GetCertificate" || !known {
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
func checkSubmissions(_ context.Context, s *stage) error {
	spent := map[string]admin.Request{}
	var failures []error
	for _, request := range s.requests {
		if request.Operation != "SignNewCertificate" {
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

// checkPermissions reads in the API server's audit log what the controller was refused.
func checkPermissions(_ context.Context, s *stage) error {
	content, err := os.ReadFile(s.Cluster.AuditLog())
	if err != nil {
		return err
	}
	var refused []string
	asked := 0
	for line := range bytes.Lines(content) {
		entry := parseAudit(line, controllerUser)
		if entry.User.Username != controllerUser {
			continue
		}
		asked++
		text := entry.Verb + " " + entry.RequestURI + ": " + entry.ResponseStatus.Message
		if entry.ResponseStatus.Code == http.StatusForbidden && !slices.Contains(refused, text) {
			refused = append(refused, text)
		}
	}
	if asked == 0 {
		return errors.New("the audit log holds nothing of the controller's")
	}
	if len(refused) > 0 {
		return errors.New(strings.Join(refused, "\n"))
	}
	return nil
}

var unwanted = regexp.MustCompile(`forbidden|Reconciler error|panic|could not be written`)

// checkLog looks in the controller's log for what nobody should have to read there.
func checkLog(_ context.Context, s *stage) error {
	content, err := os.ReadFile(s.Controller().LogFile())
	if err != nil {
		return err
	}
	var found []string
	for line := range strings.Lines(string(content)) {
		if unwanted.MatchString(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	if len(found) == 0 {
		return nil
	}
	const some = 5
	return fmt.Errorf("%d lines, of which these are the first:\n%s",
		len(found), strings.Join(found[:min(len(found), some)], "\n"))
}

// checkSecrecy looks for every password and every private key of the stories in everything that was told.
func checkSecrecy(ctx context.Context, s *stage) error {
	told, err := secrecy.Told(ctx, s.World)
	if err != nil {
		return err
	}
	return s.Check(told)
}

package stories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// closingChecks are what has to hold after all stories, whatever happened in them.
var closingChecks = map[string]func(context.Context, *stage) error{
	"no certificate is asked for earlier than ten seconds after the acceptance": checkFirstPolls,
	"credentials are not sent again once the service's acceptance has arrived":  checkSubmissions,
	"the controller's log knows of no failure of its own":                       checkLog,
	"the controller never lacks a permission":                                   checkPermissions,
	"no password and no private key is told anywhere":                           checkSecrecy,
}

// controllerUser is who the controller is to the API server.
const controllerUser = "system:serviceaccount:varmenne-issuer:varmenne-issuer"

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

// checkSubmissions: what was accepted is spent, and whoever sends it again has not understood the answer. Where a fault
// has taken the answer away, once more is right.
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

// checkSecrecy looks for every password and every private key of the stories in everything that was told: all logs,
// what the controller has ever written to the API server (the audit log has it), all objects but Secrets, metrics.
func checkSecrecy(ctx context.Context, s *stage) error {
	told, err := everythingTold(ctx, s)
	if err != nil {
		return err
	}
	if len(s.secrets) == 0 {
		return errors.New("the stories had no secrets")
	}
	var failures []error
	for where, text := range told {
		for _, what := range s.givenAway(text) {
			failures = append(failures, fmt.Errorf("%s gives away %s", where, what))
		}
	}
	return errors.Join(failures...)
}

// everythingTold is texts by where they are.
func everythingTold(ctx context.Context, s *stage) (map[string][]byte, error) {
	told, err := objects(ctx, s)
	if err != nil {
		return nil, err
	}
	metrics, err := s.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	told["metrics"] = []byte(metrics)
	// What keeps secrets for a living: the API server's store, and the keys of the cluster itself.
	private := []string{"etcd", "pki", "kubeconfigs"}
	return told, filepath.WalkDir(s.Cluster.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(private, entry.Name()) {
			return filepath.SkipDir
		}
		information, err := entry.Info()
		if err != nil || !information.Mode().IsRegular() || information.Mode()&0o100 != 0 {
			return err // Sockets, and programs.
		}
		told[path], err = os.ReadFile(path)
		return err
	})
}

// objects is every object of the API server but Secrets.
func objects(ctx context.Context, s *stage) (map[string][]byte, error) {
	asker, err := discovery.NewDiscoveryClientForConfig(s.Cluster.RESTConfig())
	if err != nil {
		return nil, err
	}
	groups, err := asker.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	told := map[string][]byte{}
	for _, group := range groups {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range group.APIResources {
			if !slices.Contains(resource.Verbs, "list") || resource.Kind == "Secret" {
				continue
			}
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(version.WithKind(resource.Kind + "List"))
			if err := s.Client.List(ctx, list); err != nil {
				return nil, fmt.Errorf("listing %s: %w", resource.Name, err)
			}
			if told[resource.Name+"."+version.Group], err = list.MarshalJSON(); err != nil {
				return nil, err
			}
		}
	}
	return told, nil
}

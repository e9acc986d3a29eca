package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// RefusedError says which right is missing, and how to find out who has it.
type RefusedError struct {
	// Verb and Resource are what was refused; Namespace is where, empty for the whole cluster.
	Verb, Resource, Namespace string
	// AllNamespaces reports whether all were asked for, where one may do.
	AllNamespaces bool
	// Err is the API server's.
	Err error
}

// Error names the right, and the command that checks whether it has been granted.
func (e *RefusedError) Error() string {
	where, check := "in the whole cluster", fmt.Sprintf("kubectl auth can-i %s %s", e.Verb, e.Resource)
	if e.Namespace != "" {
		where, check = "in namespace "+e.Namespace, check+" -n "+e.Namespace
	} else {
		check += " -A"
	}
	instead := ""
	if e.AllNamespaces {
		instead = "name a namespace in which you may, with -n NAMESPACE in the place of -A, or "
	}
	return fmt.Sprintf("you may not %s %s %s: %sask for that right, and check it with %#q",
		e.Verb, e.Resource, where, instead, check)
}

// Unwrap is the API server's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Explain names the right that is missing where err says that one is, and says what to look at where the API server has
// not answered or does not know who asks; what says what was tried, as "get ManualOrder x". What the API server refuses
// for another reason, as an admission policy or a quota, stays as it says it.
func Explain(err error, verb, resource, namespace, what string) error {
	refused, isRead := refusedRight(err), verb == "get" || verb == "list"
	sent, isUnanswered := errors.AsType[*url.Error](err)
	switch {
	case err == nil:
		return nil
	case refused != nil:
		return refused
	case isRead && apierrors.IsForbidden(err): // which nothing else forbids
		return &RefusedError{Verb: verb, Resource: resource, Namespace: namespace, Err: err}
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s: the API server does not know who you are: log in to the cluster again, or name another user "+
			"with --context or --user: %w", what, err)
	case isUnanswered && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: the API server %s cannot be asked: %w; see whether the cluster runs, and whether you mean "+
			"this one: --kubeconfig, --context and --server name another", what, serverOf(sent), sent.Err)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// serverOf is whom a request was for.
func serverOf(sent *url.Error) string {
	address, err := url.Parse(sent.URL)
	if err != nil {
		return sent.URL
	}
	return (&url.URL{Scheme: address.Scheme, Host: address.Host}).String()
}

// refusal is how the API server says which right somebody has not: one write can take the rights to patch and to
// create, and whoever acts as somebody else takes that to impersonate.
var refusal = regexp.MustCompile(`cannot (\S+) resource "([^"]*)" in API group "([^"]*)" ` +
	`(?:in the namespace "([^"]*)"|at the cluster scope)`)

// refusedRight is the right that an error says is missing, nil if it says none.
func refusedRight(err error) *RefusedError {
	if !apierrors.IsForbidden(err) {
		return nil
	}
	found := refusal.FindStringSubmatch(err.Error())
	if found == nil {
		return nil
	}
	resource := schema.GroupResource{Group: found[3], Resource: found[2]}
	return &RefusedError{Verb: found[1], Resource: resource.String(), Namespace: found[4], Err: err}
}

// isUnknown reports whether the API server does not know a kind: its custom resource definition is not installed.
func isUnknown(err error) bool {
	return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}

// IsRefused reports whether an error is for want of a right.
func IsRefused(err error) bool {
	_, is := errors.AsType[*RefusedError](err)
	return is || apierrors.IsForbidden(err)
}

// Resource is how RBAC and kubectl name the resource of a kind.
func Resource(kind schema.GroupVersionKind) string {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.GroupResource().String()
}

// named is a reader whose errors name the missing right.
type named struct{ client.Client }

// Named is a reader whose errors name the right that is missing, and are not the API server's any more: what is said to
// the controllers about their rights is of no use to a person.
func Named(reader client.Client) client.Reader { return named{reader} }

// Get reads an object.
func (n named) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	err := n.Client.Get(ctx, key, object, options...)
	if refused := refusedRight(err); refused != nil {
		refused.Err = nil
		return refused
	}
	return err
}

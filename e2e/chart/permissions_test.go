package chart_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// everywhere is the namespace of a permission that holds for the cluster.
const everywhere = ""

// permission is one verb on one resource, somewhere.
type permission struct{ namespace, group, resource, name, verb string }

// permissions are what the rendered roles and bindings allow a ServiceAccount.
func permissions(t *testing.T, rendered objects, account string) []permission {
	t.Helper()
	var all []permission
	for _, object := range slices.Concat(rendered.of("ClusterRoleBinding"), rendered.of("RoleBinding")) {
		binding := typed[rbacv1.RoleBinding](t, object) // The two kinds of binding are alike.
		if concerns(binding.Subjects, account) {
			all = append(all, flatten(binding.Namespace, rules(t, rendered, binding.RoleRef, binding.Namespace))...)
		}
	}
	return all
}

// rules are those of the role that a binding refers to.
func rules(t *testing.T, rendered objects, reference rbacv1.RoleRef, namespace string) []rbacv1.PolicyRule {
	t.Helper()
	for _, object := range rendered.of(reference.Kind) {
		if object.GetName() == reference.Name && object.GetNamespace() == namespace {
			// The rules of both kinds of role are alike.
			return typed[rbacv1.ClusterRole](t, object).Rules
		}
	}
	t.Fatalf("a binding refers to %s %s, which is not there", reference.Kind, reference.Name)
	return nil
}

func concerns(subjects []rbacv1.Subject, account string) bool {
	return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Name == account })
}

func flatten(namespace string, rules []rbacv1.PolicyRule) []permission {
	var all []permission
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						all = append(all, permission{namespace, group, resource, name, verb})
					}
				}
			}
		}
	}
	return all
}

// among returns the permissions for which it holds.
func among(all []permission, holds func(permission) bool) []permission {
	return slices.DeleteFunc(slices.Clone(all), func(p permission) bool { return !holds(p) })
}

// namespaces in which there are permissions.
func namespaces(all []permission) []string {
	found := map[string]bool{}
	for _, p := range all {
		found[p.namespace] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func onSecrets(p permission) bool { return p.group == "" && p.resource == "secrets" }

func TestSecretsAreReadOneByOneAndNeverListed(t *testing.T) {
	for name, values := range settings(t) {
		rendered := render(t, values)
		for _, p := range among(permissions(t, rendered, releaseName), onSecrets) {
			if p.verb != "get" {
				t.Errorf("%s: the controller may %s Secrets", name, p.verb)
			}
		}
		for _, object := range slices.Concat(rendered.of("ClusterRole"), rendered.of("Role")) {
			for _, rule := range typed[rbacv1.ClusterRole](t, object).Rules {
				words := slices.Concat(rule.Verbs, rule.Resources, rule.APIGroups)
				if slices.Contains(words, "*") {
					t.Errorf("%s: %s %s allows %q", name, object.GetKind(), object.GetName(), words)
				}
			}
		}
	}
}

// TestEverythingTheMarkersAskForIsAllowed compares with what is generated from the code.
func TestEverythingTheMarkersAskForIsAllowed(t *testing.T) {
	for name, where := range map[string][]string{"defaults": {everywhere}, "namespaces": {"tax-reporting", "payroll"}} {
		given := permissions(t, render(t, settings(t)[name]), releaseName)
		for _, p := range wanted(t) {
			places := where
			switch {
			case clusterScoped(p):
				places = []string{everywhere}
			case onSecrets(p) && name == "namespaces":
				places = []string{"tax-reporting"}
			}
			for _, p.namespace = range places {
				if !slices.Contains(given, p) {
					t.Errorf("%s: %+v is missing", name, p)
				}
			}
		}
	}
}

// wanted are the permissions of the generated roles, one for each family of issuers.
func wanted(t *testing.T) []permission {
	t.Helper()
	var all []permission //nolint:prealloc // how many a role has is not known
	for _, file := range []string{"role.yaml", "manual/role.yaml"} {
		all = append(all, generated(t, file)...)
	}
	return all
}

// generated are the permissions of one of these roles.
func generated(t *testing.T, file string) []permission {
	t.Helper()
	content := must.Get(os.ReadFile(filepath.Join(helm(t).Chart, "files", "rbac", filepath.FromSlash(file))))(t)
	var role rbacv1.ClusterRole
	must.Do(t, yaml.UnmarshalStrict(content, &role))
	return flatten(everywhere, role.Rules)
}

// clusterScoped says what the API server says of the kind, by its name: see TestClusterRolesHoldOnlyClusterScopedKinds.
func clusterScoped(p permission) bool {
	return strings.HasPrefix(p.resource, "veroclusterissuers") || strings.HasPrefix(p.resource, "manualclusterissuers")
}

// TestWhatIsSwitchedOffMayNothing: without the kinds that a person serves, the controller may not touch them.
func TestWhatIsSwitchedOffMayNothing(t *testing.T) {
	given := permissions(t, render(t, fromYAML(t, `manual: {enabled: false}`)), releaseName)
	for _, p := range given {
		if strings.HasPrefix(p.resource, "manual") || strings.HasPrefix(p.resource, "tracked") {
			t.Errorf("it may %+v", p)
		}
	}
}

// TestSecretsAreWrittenByTheControllerOfPasswordsOnly, in the namespaces that are named, by no cluster-wide role. It
// may all that its markers ask for, and its lease, and nothing of the issuer's.
func TestSecretsAreWrittenByTheControllerOfPasswordsOnly(t *testing.T) {
	rendered := render(t, settings(t)["messages"])
	given := permissions(t, rendered, releaseName+"-messages")
	asked := generated(t, "messages/role.yaml")
	for _, namespace := range []string{"mail", "payroll"} {
		for _, p := range asked {
			p.namespace = namespace
			if !slices.Contains(given, p) {
				t.Errorf("%+v is missing", p)
			}
		}
	}
	for _, p := range given {
		where := p.namespace
		p.namespace = everywhere
		switch {
		case slices.Contains(asked, p) && (where == "mail" || where == "payroll"):
		case where == releaseNamespace && (p.resource == "leases" || p.resource == "events"):
		case where == everywhere && p.verb == "create" && strings.HasSuffix(p.resource, "reviews"): // secure metrics
		default:
			t.Errorf("in %q it may %+v", where, p)
		}
	}
	for _, account := range []string{releaseName, releaseName + "-uninstall"} {
		for _, p := range permissions(t, rendered, account) {
			if onSecrets(p) && p.verb != "get" || strings.HasPrefix(p.resource, "messages") {
				t.Errorf("%s may %+v", account, p)
			}
		}
	}
	if left := permissions(t, render(t, nil), releaseName+"-messages"); len(left) > 0 {
		t.Errorf("switched off, it may %+v", left)
	}
}

func TestListedNamespacesAreAllThatIsAllowed(t *testing.T) {
	given := permissions(t, render(t, fromYAML(t, `watchNamespaces: [payroll, tax-reporting]`)), releaseName)
	for _, p := range among(given, func(p permission) bool { return p.namespace == everywhere }) {
		if !clusterScoped(p) {
			t.Errorf("everywhere it may %+v", p)
		}
	}
	want := []string{everywhere, "default", "payroll", "tax-reporting", releaseNamespace}
	if got := namespaces(given); !slices.Equal(got, want) {
		t.Errorf("it has permissions in %q, want %q", got, want)
	}
	// Events of cluster-scoped objects.
	elsewhere := among(given, func(p permission) bool { return p.namespace == "default" })
	if !slices.Equal(elsewhere, []permission{
		{"default", "events.k8s.io", "events", "", "create"}, {"default", "events.k8s.io", "events", "", "patch"},
	}) {
		t.Errorf("in the namespace default it may %+v", elsewhere)
	}
	// Bundles of cluster issuers, the lease, and events about the lease.
	for _, p := range among(given, func(p permission) bool { return p.namespace == releaseNamespace }) {
		if !slices.Contains([]string{"configmaps", "secrets", "leases", "events"}, p.resource) {
			t.Errorf("in its own namespace it may %+v", p)
		}
	}
}

func TestSecretsAreReadInListedNamespacesOnly(t *testing.T) {
	for claim, example := range map[string]struct {
		values string
		want   []string
	}{
		"by default everywhere":                    {"", []string{everywhere}},
		"with a list of Secrets' namespaces there": {`secretNamespaces: [a, b]`, []string{"a", "b"}},
		"with a list of watched namespaces there, and beside the controller": {
			`watchNamespaces: [a, b]`, []string{"a", "b", releaseNamespace},
		},
		"with both lists in those of Secrets": {`{watchNamespaces: [a, b], secretNamespaces: [b]}`, []string{"b"}},
	} {
		given := among(permissions(t, render(t, fromYAML(t, example.values)), releaseName), onSecrets)
		if got := namespaces(given); !slices.Equal(got, example.want) {
			t.Errorf("%s: it reads Secrets in %q, want %q", claim, got, example.want)
		}
	}
}

// TestTheSimulatorWritesItsSampleAndNothingElse wants the rest refused: it can read nothing.
func TestTheSimulatorWritesItsSampleAndNothingElse(t *testing.T) {
	given := permissions(t, render(t, settings(t)["rehearsal"]), releaseName+"-simulator")
	if len(given) == 0 {
		t.Fatal("it has no permissions")
	}
	for _, p := range given {
		switch {
		case p.namespace != releaseNamespace:
			t.Errorf("outside its namespace it may %+v", p)
		case p.verb == "get" && p.resource == "deployments" && p.name == releaseName+"-simulator":
		case p.verb == "create":
		case p.verb == "patch" && (p.name != "" || p.group != ""):
		default:
			t.Errorf("it may %+v", p)
		}
	}
}

func TestNothingIsAllowedWithoutRBAC(t *testing.T) {
	rendered := render(t, fromYAML(t,
		`{rbac: {create: false, aggregate: false}, certManager: {approve: false}, metrics: {secure: true}}`))
	for _, kind := range []string{"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} {
		if left := rendered.of(kind); len(left) > 0 {
			t.Errorf("there is %s %s", kind, left[0].GetName())
		}
	}
}

func TestTheApproverIsTheCertManagerOfTheValues(t *testing.T) {
	rendered := render(t, fromYAML(t, `certManager: {namespace: pki, serviceAccountName: cm-controller}`))
	binding := typed[rbacv1.ClusterRoleBinding](t, rendered.only(t, "ClusterRoleBinding", "-approver"))
	want := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "pki", Name: "cm-controller"}
	if len(binding.Subjects) != 1 || binding.Subjects[0] != want {
		t.Errorf("approver is %v, want %v", binding.Subjects, want)
	}
}

package commands_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// TestTheRightThatIsMissingIsNamed, and not the one that is at hand: one write can take several.
func TestTheRightThatIsMissingIsNamed(t *testing.T) {
	namespace := server.Namespace(t)
	veroIn(t, namespace, "payroll")
	grant(t, "patcher", namespace, rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io"},
		Resources: []string{"*"}, Verbs: []string{"get", "list"}},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"patch"}})
	put := func(arguments ...string) error {
		return (&call{typed: []string{"some-id", "hunter2hunter2"}}).run(t,
			append([]string{"credentials", "-n", namespace, "payroll"}, arguments...)...)
	}
	must.Say(t, put("--as=patcher"), "you may not create secrets in namespace "+namespace,
		"kubectl auth can-i create secrets -n "+namespace)
	impersonated := apierrors.NewForbidden(schema.GroupResource{Resource: "users"}, "boss", errors.New(
		`User "me" cannot impersonate resource "users" in API group "" at the cluster scope`))
	must.Say(t, cluster.Explain(impersonated, "list", "certificates.cert-manager.io", namespace, "list certificates"),
		"you may not impersonate users in the whole cluster")
}

// TestWhatAPolicyRefusesIsNoWantOfARight: what the policy says is what helps.
func TestWhatAPolicyRefusesIsNoWantOfARight(t *testing.T) {
	namespace := server.Namespace(t)
	veroIn(t, namespace, "payroll")
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{"CREATE", "UPDATE"}, Rule: admissionv1.Rule{
						APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}}}}}},
			Validations: []admissionv1.Validation{{Expression: "object.metadata.namespace != '" + namespace + "'",
				MessageExpression: "'Secrets come from the vault, and not: ' + string(object.data.transferId)",
				Reason:            new(metav1.StatusReasonForbidden)}},
		}}
	must.Do(t, server.Client.Create(t.Context(), policy))
	must.Do(t, server.Client.Create(t.Context(), &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: namespace, ValidationActions: []admissionv1.ValidationAction{"Deny"}}}))
	put := func(id string) (said error) {
		must.Do(t, wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true,
			func(context.Context) (bool, error) { // until it is in force
				run := &call{typed: []string{id, "hunter2hunter2"}}
				said = run.run(t, "credentials", "-n", namespace, "payroll") //nolint:contextcheck // it is the test's
				return said != nil, nil
			}))
		return said
	}
	must.Say(t, put("i"), "Secrets come from the vault", "write Secret vero-transfer")
	if said := put("some-id"); strings.Contains(said.Error(), "c29tZS1pZA") {
		t.Errorf("it repeats what was written: %v", said)
	}
}

// TestEventsThatMayNotBeReadHideNoOthers: those of a cluster's issuer are in a namespace of its own.
func TestEventsThatMayNotBeReadHideNoOthers(t *testing.T) {
	namespace := server.Namespace(t)
	c := certificate(namespace, "shared", "ManualClusterIssuer")
	c.Spec.IssuerRef.Name = namespace
	issuer := &v1alpha1.ManualClusterIssuer{ObjectMeta: meta("", namespace), Spec: v1alpha1.ManualIssuerSpec{
		Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(pkitest.Root(t, "Example Root").Certificate)}}}
	create(t, c, issuer)
	for number := range 10 {
		must.Do(t, server.Client.Create(t.Context(), &corev1.Event{ObjectMeta: meta(namespace, fmt.Sprint("e", number)),
			InvolvedObject: corev1.ObjectReference{Kind: "Certificate", Namespace: namespace, Name: "shared", UID: c.UID},
			Reason:         "Waits", Message: fmt.Sprint("number ", number), Type: "Normal",
			LastTimestamp: metav1.NewTime(time.Now().Add(time.Duration(number) * time.Minute))}))
	}
	all := []string{"get", "list", "watch"}
	grant(t, "viewer", namespace, rbacv1.PolicyRule{
		APIGroups: []string{"varmenne.dev", "cert-manager.io", ""}, Resources: []string{"*"}, Verbs: all})
	must.Do(t, server.Client.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta("", namespace),
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{"varmenne.dev"}, Resources: []string{"*"}, Verbs: all}}}))
	must.Do(t, server.Client.Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta("", namespace),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: namespace},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "viewer"}}}))
	run := &call{}
	must.Do(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { // until the API server has heard of the role
			err := run.run(t, "why", "-n", namespace, "shared", "--as=viewer") //nolint:contextcheck // it is the test's
			return strings.Contains(run.out.String(), "\nManualClusterIssuer"), err
		}))
	must.Contain(t, run.err.String(), "you may not list events in namespace default")
	shown := regexp.MustCompile(`number \d`).FindAllString(run.out.String(), -1)
	if len(shown) != 8 || shown[0] != "number 9" {
		t.Errorf("it shows %s", shown)
	}
}

// TestANamespaceThatDoesNotExistIsNoneWhereNothingIsDue, for a job that asks.
func TestANamespaceThatDoesNotExistIsNoneWhereNothingIsDue(t *testing.T) {
	for _, arguments := range []string{"status", "status --fail-on=critical", "status -o json", "calendar", "why any"} {
		err := (&call{}).run(t, append(strings.Fields(arguments), "-n", "mistyped")...)
		if must.Say(t, err, "namespace mistyped does not exist"); commands.ExitCode(err) != 1 {
			t.Errorf("%s: the exit code is %d", arguments, commands.ExitCode(err))
		}
	}
	namespace := server.Namespace(t)
	grant(t, "lister", namespace, rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io"},
		Resources: []string{"*"}, Verbs: []string{"list"}})
	must.Do(t, (&call{}).run(t, "status", "-n", namespace, "--as=lister", "--fail-on=critical"))
	must.Do(t, (&call{}).run(t, "status", "-n", namespace, "--fail-on=critical"))
}

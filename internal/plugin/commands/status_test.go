package commands_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

func TestStatusShowsEverythingOfANamespace(t *testing.T) {
	namespace := server.Namespace(t)
	manualIn(t, namespace, "leimat")
	create(t, noticeDue(namespace), password(namespace, "messages"))
	table := says(t, "status", "-n", namespace)
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 4 {
		t.Fatalf("there are %d lines:\n%s", len(lines), table)
	}
	must.Contain(t, lines[1], "warning", "Certificate", "leimat", "Issuing", "yours: carry the CSR to the authority")
	must.Contain(t, lines[2], "warning", "TrackedCertificate", "via", "NoticeDue", "yours: send the notice")
	must.Contain(t, lines[3], "ok", "MessagesPassword", "Idle", "nobody's")
	must.Contain(t, says(t, "status", "-n", namespace, "-o", "wide"), "ApplicationDue",
		"kubectl varmenne csr -n "+namespace+" manual-1 > manual-1.csr")
	must.Contain(t, says(t, "status", "-A"), "NAMESPACE", namespace)
	var document struct {
		Items []overview.Row `json:"items"`
	}
	must.Do(t, json.Unmarshal([]byte(says(t, "status", "-n", namespace, "-o", "json")), &document))
	if len(document.Items) != 3 || document.Items[0].Turn != overview.Yours || len(document.Items[0].Chain) != 4 {
		t.Errorf("as JSON it is %+v", document)
	}
	must.Do(t, yaml.Unmarshal([]byte(says(t, "status", "-n", namespace, "-o", "yaml")), &document))
	must.Contain(t, says(t, "status", "-n", namespace, "-o", "json", "--context", "test"), `"items"`)
}

func TestTheExitCodeOfStatus(t *testing.T) {
	empty, waiting := server.Namespace(t), server.Namespace(t)
	may := "you may not list certificates.cert-manager.io in namespace " + empty + ": ask for that right, and check it " +
		"with `kubectl auth can-i list certificates.cert-manager.io -n " + empty + "`"
	unreachable := "the API server https://127.0.0.1:1 cannot be asked: dial tcp 127.0.0.1:1: connect: connection " +
		"refused; see whether the cluster runs, and whether you mean this one: --kubeconfig, --context and --server name " +
		"another"
	create(t, noticeDue(waiting))
	for claim, c := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"nothing is urgent":                 {[]string{"-n", empty, "--fail-on=warning"}, 0, ""},
		"something is":                      {[]string{"-n", waiting, "--fail-on=warning"}, 2, "warning or worse: 1"},
		"it is less urgent than is asked":   {[]string{"-n", waiting, "--fail-on=critical"}, 0, ""},
		"nobody asks":                       {[]string{"-n", waiting}, 0, ""},
		"a severity that there is not":      {[]string{"--fail-on=fatal"}, 1, "write warning or critical"},
		"a watch has no end":                {[]string{"--watch", "--fail-on=warning"}, 1, "never ends"},
		"nothing can be read":               {[]string{"-n", empty, "--as=nobody"}, 1, may},
		"nor in the whole cluster":          {[]string{"-A", "--as=nobody"}, 1, "name a namespace in which you may, with "},
		"a cluster that nobody can reach":   {[]string{"--server=https://127.0.0.1:1"}, 1, unreachable},
		"an unknown user":                   {[]string{"--user=none", "--insecure-skip-tls-verify"}, 1, "log in to"},
		"a context that there is not":       {[]string{"--context=other"}, 1, "other"},
		"an argument that nobody asked for": {[]string{"all"}, 1, "all"},
	} {
		t.Run(claim, func(t *testing.T) {
			err := (&call{}).run(t, append([]string{"status"}, c.arguments...)...)
			if code := commands.ExitCode(err); code != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the exit code is %d, of %v", code, err)
			}
		})
	}
}

// TestWhatMayNotBeListedIsNotTakenForNothing: the rows that can be made are shown, and --fail-on does not pass.
func TestWhatMayNotBeListedIsNotTakenForNothing(t *testing.T) {
	namespace := server.Namespace(t)
	create(t, password(namespace, "messages"))
	grant(t, "partly", namespace, rbacv1.PolicyRule{
		APIGroups: []string{"varmenne.dev"}, Resources: []string{"messagespasswords"}, Verbs: []string{"list"}})
	c := &call{}
	must.Say(t, c.run(t, "status", "-n", namespace, "--as=partly", "--fail-on=critical"), "--fail-on cannot tell",
		"veroorders.varmenne.dev", "certificates.cert-manager.io")
	must.Contain(t, c.out.String(), "messages")
	must.Contain(t, c.err.String(), "warning: not shown: manualorders.varmenne.dev: you may not list")
	if strings.Contains(c.err.String(), "note: ") {
		t.Errorf("a kind of the namespace passes for a supplement, or nothing depends on it: %s", c.err)
	}
}

// TestClusterIssuersThatMayNotBeListedAreNotedOnce, and only where a row depends on one.
func TestClusterIssuersThatMayNotBeListedAreNotedOnce(t *testing.T) {
	namespace := server.Namespace(t)
	grant(t, "namespaced", namespace, rbacv1.PolicyRule{APIGroups: []string{"cert-manager.io", "varmenne.dev"},
		Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}})
	notes := func(verb ...string) string {
		c := &call{}
		must.Do(t, c.run(t, append(verb, "-n", namespace, "--as=namespaced")...))
		return c.err.String()
	}
	create(t, certificate(namespace, "own", "VeroIssuer"))
	if said := notes("status"); said != "" {
		t.Errorf("without a cluster issuer it says %s", said)
	}
	create(t, certificate(namespace, "vero", "VeroClusterIssuer"), certificate(namespace, "dvv", "ManualClusterIssuer"))
	for _, verb := range []string{"status", "calendar"} {
		said := notes(verb)
		must.Contain(t, said, "note: dates that depend on veroclusterissuers.varmenne.dev and "+
			"manualclusterissuers.varmenne.dev are missing, and whether those are ready: you may not list "+
			"veroclusterissuers.varmenne.dev in the whole cluster: ask for that right")
		if strings.Count(said, "\n") != 1 {
			t.Errorf("%s says more than once: %s", verb, said)
		}
	}
	must.Contain(t, notes("why", "dvv"), "note: dates that depend on manualclusterissuers.varmenne.dev are missing")
	if said := notes("why", "own"); strings.Contains(said, "note:") {
		t.Errorf("for what has no cluster issuer, why says %s", said)
	}
}

// grant grants a user rights in a namespace.
func grant(t *testing.T, user, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	must.Do(t, server.Client.Create(t.Context(), &rbacv1.Role{ObjectMeta: meta(namespace, user), Rules: rules}))
	must.Do(t, server.Client.Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta(namespace, user),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}}))
	// The API server hears of them a moment later.
	must.Do(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace,
					Verb: rules[0].Verbs[0], Group: rules[0].APIGroups[0], Resource: rules[0].Resources[0]}}}
			err := server.Client.Create(ctx, review)
			return review.Status.Allowed, err
		}))
}

// TestMoreThanAChunkIsListed, as one table.
func TestMoreThanAChunkIsListed(t *testing.T) {
	namespace, group := server.Namespace(t), errgroup.Group{}
	group.SetLimit(16)
	const more = 260
	for number := range more {
		group.Go(func() error {
			return server.Client.Create(t.Context(), &v1alpha1.TrackedCertificate{
				ObjectMeta: meta(namespace, fmt.Sprintf("c-%03d", number)),
				Spec:       v1alpha1.TrackedCertificateSpec{Source: v1alpha1.TrackedSource{CertificateName: "any"}}})
		})
	}
	must.Do(t, group.Wait())
	if rows := strings.Count(says(t, "status", "-n", namespace, "--no-headers"), "\n"); rows != more {
		t.Errorf("there are %d rows", rows)
	}
}

// TestAWatchShowsWhatHasChanged, row by row, until somebody ends it.
func TestAWatchShowsWhatHasChanged(t *testing.T) {
	namespace := server.Namespace(t)
	watched, other := password(namespace, "messages"), password(namespace, "other")
	create(t, watched, other)
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	c, ended := &call{writer: writer, context: func() context.Context { return ctx }}, make(chan error)
	lines := make(chan string, 100)
	go func() {
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
	}()
	go func() {
		ended <- c.run(t, "status", "-n", namespace, "--watch")
		writer.Close()
	}()
	read := func() string {
		line, open := <-lines
		if !open {
			t.Fatal("there are no more lines")
		}
		return line
	}
	for range 3 { // the headers, and both
		read()
	}
	watched.Status.Conditions = append(watched.Status.Conditions, metav1.Condition{Type: "NeedsPerson", Status: "True",
		Reason: "PasswordRefused", Message: "ask DVV", LastTransitionTime: metav1.Now()})
	must.Do(t, server.Client.Status().Update(t.Context(), watched))
	must.Contain(t, read(), "critical", "messages", "yours: ask DVV")
	create(t, noticeDue(namespace))
	for line := ""; !strings.Contains(line, "NoticeDue"); { // it is made first, and gets its status then
		line = read()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestWhyShowsTheChain with messages, dates, events and the command that helps, by the name of any object in it.
func TestWhyShowsTheChain(t *testing.T) {
	namespace := server.Namespace(t)
	order := veroIn(t, namespace, "payroll")
	create(t, &corev1.Event{ObjectMeta: meta(namespace, "payroll.1"), Reason: "ResponseLost", Type: "Warning",
		Message: "it was lost\x1b[2J", InvolvedObject: corev1.ObjectReference{Kind: "VeroOrder", Namespace: namespace,
			Name: order.Name, UID: order.UID}, LastTimestamp: metav1.Now()})
	for _, name := range []string{"payroll", "certificate/payroll", "vero-1", "payroll-1"} {
		must.Contain(t, says(t, "why", "-n", namespace, name), "Certificate "+namespace+"/payroll: Issuing, yours: put in",
			"\nCertificateRequest  payroll-1  not ready  Pending", "\nVeroOrder  vero-1  Failed  not ready  ResponseLost",
			"\nVeroIssuer  issuer  ready", "Warning ResponseLost VeroOrder/vero-1: it was lost?[2J\n",
			"What helps\n  kubectl varmenne credentials -n "+namespace+" payroll\n")
	}
	var document struct {
		Name   string `json:"name"`
		Events []struct {
			Reason string `json:"reason"`
		} `json:"events"`
	}
	must.Do(t, json.Unmarshal([]byte(says(t, "why", "-n", namespace, "payroll", "-o", "json")), &document))
	if document.Name != "payroll" || len(document.Events) != 1 {
		t.Errorf("as JSON it is %+v", document)
	}
	create(t, password(namespace, "payroll"))
	must.Say(t, (&call{}).run(t, "why", "-n", namespace, "payroll"), "certificate/payroll, messagespassword/payroll")
	must.Contain(t, says(t, "why", "-n", namespace, "messagespasswords/payroll"), "MessagesPassword "+namespace)
	must.Say(t, (&call{}).run(t, "why", "-n", namespace, "nothing"), `"nothing"`, "kubectl varmenne status")
}

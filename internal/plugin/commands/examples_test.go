package commands_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// TestTheExamplesOfEveryVerbRun as they stand in its help, with the objects that they name.
func TestTheExamplesOfEveryVerbRun(t *testing.T) {
	for _, name := range []string{"stamping", "payroll", "messages"} {
		must.Do(t, server.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
	stamping := manualIn(t, "stamping", "interface")
	create(t, noticeDue("stamping"))
	veroIn(t, "payroll", "incomes")
	create(t, password("messages", "payroll"))
	came := stamping.issue(t, "interface")
	t.Chdir(t.TempDir())
	must.Do(t, os.WriteFile("certificate.pem", came, 0o600))
	must.Do(t, os.WriteFile("mail.eml", append([]byte("Subject: varmenne\n\nOhessa:\n"), came...), 0o600))
	must.Do(t, os.WriteFile("letter", []byte("another-id\nsecret\n"), 0o600))
	for _, verb := range commands.New(commands.Options{}).Commands() {
		if verb.Example == "" {
			t.Errorf("%s has no example", verb.Name())
		}
		for line := range strings.Lines(verb.Example) {
			if verb.Name() == "ui" {
				t.Run(strings.TrimSpace(line), func(t *testing.T) { runPage(t, strings.TrimSpace(line)) })
				continue
			}
			t.Run(strings.TrimSpace(line), func(t *testing.T) { runExample(t, verb, strings.TrimSpace(line)) })
		}
	}
}

// runExample runs a line of a shell, as far as examples use one.
func runExample(t *testing.T, verb *cobra.Command, line string) {
	t.Helper()
	line, isOurs := strings.CutPrefix(line, "kubectl varmenne ")
	if !isOurs {
		t.Fatal("it is no call of the plugin")
	}
	c := &call{typed: []string{"first-id", "secret"}}
	var to string
	line, to, _ = strings.Cut(line, " > ")
	line, handed, hasHanded := strings.Cut(line, " 3< ")
	if hasHanded {
		c.handed = map[uint]string{3: string(must.Get(os.ReadFile(handed))(t))}
	}
	line, from, hasInput := strings.Cut(line, " < ")
	if hasInput {
		c.stdin = string(must.Get(os.ReadFile(from))(t))
	}
	arguments := strings.Fields(strings.ReplaceAll(line, `"DVV 1234"`, "DVV_1234"))
	if verb.Flags().Lookup("wait") != nil {
		arguments = append(arguments, "--wait=0") // no controller runs here
	}
	if err := c.run(t, arguments...); err != nil {
		t.Fatalf("%v\n%s%s", err, c.out, c.err)
	}
	if c.out.Len() == 0 {
		t.Error("it prints nothing")
	}
	if to != "" {
		must.Do(t, os.WriteFile(to, c.out.Bytes(), 0o600))
	}
}

// runPage runs an example that serves a page, opens the page at the address that it prints, and ends it as Ctrl-C does.
func runPage(t *testing.T, line string) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	reader, writer := io.Pipe()
	c := &call{writer: writer, context: func() context.Context { return ctx }}
	ended := make(chan error, 1)
	go func() {
		err := c.run(t, strings.Fields(strings.TrimPrefix(line, "kubectl varmenne "))...)
		ended <- errors.Join(err, writer.Close())
	}()
	printed := bufio.NewScanner(reader)
	if !printed.Scan() {
		t.Fatalf("it prints nothing: %v\n%s", <-ended, c.err)
	}
	_, address, _ := strings.Cut(printed.Text(), "The page is at ")
	go func() {
		for printed.Scan() { // so that it can go on printing
		}
	}()
	jar := must.Get(cookiejar.New(nil))(t)
	request := must.Get(http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody))(t)
	response := must.Get((&http.Client{Jar: jar}).Do(request))(t)
	content := must.Get(io.ReadAll(response.Body))(t)
	must.Do(t, response.Body.Close())
	must.Contain(t, string(content), "What waits for whom", "interface")
	end()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// TestHelpShowsTheExamples and the name that people type.
func TestHelpShowsTheExamples(t *testing.T) {
	for _, verb := range commands.New(commands.Options{}).Commands() {
		help := says(t, verb.Name(), "--help")
		must.Contain(t, help, "kubectl varmenne "+verb.Name(), "Examples:\n"+verb.Example)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	namespace := server.Namespace(t)
	manualIn(t, namespace, "leimat")
	must.Contain(t, says(t, "__complete", "csr", "-n", namespace, ""), "manual-1\tIssuing\n", ":4\n")
	must.Contain(t, says(t, "__complete", "why", "-n", namespace, "l"), "leimat\t")
	must.Contain(t, says(t, "__complete", "status", "--fail-on", ""), "warning\ncritical\n")
	for flag, name := range map[string]string{
		"--namespace": namespace, "--controller-namespace": namespace,
		"--context": "test", "--cluster": "test", "--user": "none",
	} {
		must.Contain(t, says(t, "__complete", "ui", flag, name[:2]), name+"\n", ":4\n")
	}
}

// TestOnlyWhatAVerbCanDoSomethingForIsCompleted: an order that was issued is carried nowhere.
func TestOnlyWhatAVerbCanDoSomethingForIsCompleted(t *testing.T) {
	namespace := server.Namespace(t)
	manualIn(t, namespace, "issued")
	order := &v1alpha1.ManualOrder{}
	complete := func(state v1alpha1.ManualOrderState, wanted map[string]bool) {
		must.Do(t, server.Client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "manual-1"}, order))
		order.Status.State = state
		must.Do(t, server.Client.Status().Update(t.Context(), order))
		for verb, offered := range wanted {
			if said := says(t, "__complete", verb, "-n", namespace, ""); strings.Contains(said, "manual-1") != offered {
				t.Errorf("%s, of an order that is %s, completes %s", verb, state, said)
			}
		}
	}
	complete(v1alpha1.ManualOrderIssued, map[string]bool{"csr": false, "complete": false, "applied": false})
	complete(v1alpha1.ManualOrderStale, map[string]bool{"csr": false, "complete": false, "applied": true})
	complete(v1alpha1.ManualOrderApplied, map[string]bool{"csr": true, "complete": true, "applied": true})
	create(t, certificate(namespace, "other", "VeroIssuer"), noticeDue(namespace))
	said := says(t, "__complete", "credentials", "-n", namespace, "")
	must.Contain(t, said, "other\t")
	if strings.Contains(said, "issued\t") {
		t.Errorf("credentials completes a Certificate that takes none: %s", said)
	}
	must.Contain(t, says(t, "__complete", "notice", "-n", namespace, ""), "via\tNoticeDue")
}

func TestANumberThatIsNoneIsRefusedInWords(t *testing.T) {
	for _, c := range [][]string{{"ui", "--port=99999"}, {"ui", "--port=http"}, {"ui", "--port=-1"}} {
		must.Say(t, (&call{}).run(t, c...), `for "--port" flag: write a whole number from 0 to 65535`)
	}
	must.Say(t, (&call{}).run(t, "credentials", "x", "--from-fd=stdin"), "--from-fd", "write a whole number from 0")
}

// noticeDue is a TrackedCertificate that somebody has to be told of.
func noticeDue(namespace string) *v1alpha1.TrackedCertificate {
	ends := metav1.Now().AddDate(2, 0, 0)
	return &v1alpha1.TrackedCertificate{ObjectMeta: meta(namespace, "via"), Spec: v1alpha1.TrackedCertificateSpec{
		Source: v1alpha1.TrackedSource{CertificateName: "any"}, ChangeNotice: &v1alpha1.ChangeNotice{
			To: "maija@example.fi", Subject: "Varmenteen päivitys", When: []v1alpha1.ChangedFact{v1alpha1.ChangedAny}},
	}, Status: v1alpha1.TrackedCertificateStatus{ObservedGeneration: 1, NotAfter: &metav1.Time{Time: ends},
		Notice: &v1alpha1.Notice{To: "maija@example.fi", Subject: "Varmenteen päivitys", Certificate: []byte("PEM\n"),
			Digest: strings.Repeat("0a", 32)},
		Conditions: append(ready("True", "Tracked", "it ends"), metav1.Condition{Type: "NoticeDue", Status: "True",
			Reason: "Changed", LastTransitionTime: metav1.Now()})}}
}

func password(namespace, name string) *v1alpha1.MessagesPassword {
	return &v1alpha1.MessagesPassword{ObjectMeta: meta(namespace, name), Spec: v1alpha1.MessagesPasswordSpec{
		Environment: "TEST", SecretRef: v1alpha1.MessagesSecretReference{Name: "messages"}},
		Status: v1alpha1.MessagesPasswordStatus{State: "Idle", Conditions: ready("True", "Rotated", "it is new")}}
}

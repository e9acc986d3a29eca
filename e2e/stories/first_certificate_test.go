package stories

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

func TestTheSampleManifestsBringTheFirstCertificate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.keepWaiting()
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), s.Certificate())

	pending, retrievalID := s.awaitSubmitted(certificateName)
	order := s.Orders()[0]
	s.shows([]string{"get", "veroorders"}, map[string]string{
		"NAME": order.Name, "STATE": "Submitted", "OPERATION": signNew, "RETRIEVAL-ID": retrievalID,
		"REASON": "AwaitingCertificate", "CERTIFICATE": certificateName,
	})
	s.awaitPending(certificateName, "accepted", retrievalID)

	s.deliver()
	found := s.awaitReady(certificateName)
	found.isFor(s, pending)
	if len(found.chain) != 2 {
		t.Errorf("tls.crt holds %d certificates, want the leaf and the issuing CA", len(found.chain))
	}
	if seen, err := found.call(s.rootOfService()); err != nil || seen != customerID {
		t.Errorf("a server that trusts the providers' root sees %q (%v), want %s", seen, err, customerID)
	}
	if submission := s.spentOnce(); submission.RetrievalID != retrievalID {
		t.Errorf("the request shows RetrievalId %s, the service gave %s", retrievalID, submission.RetrievalID)
	}
	if got := submitted(found.request); got == nil || got.Message != retrievalID {
		t.Errorf("the issued request shows %v, want RetrievalId %s", got, retrievalID)
	}
	s.shows([]string{"get", "vo"}, map[string]string{
		"NAME": order.Name, "STATE": "Issued", "RETRIEVAL-ID": retrievalID, "REASON": "Issued",
	})
	s.shows([]string{"get", "varmenne"}, map[string]string{"STATE": "Issued", "RETRIEVAL-ID": retrievalID})
	s.shows([]string{"get", "vi"}, map[string]string{
		"NAME": issuerName, "READY": "True", "ENVIRONMENT": "TEST", "CUSTOMER": customerID, "REASON": "Checked",
	})
	for _, usual := range []string{
		v1alpha1.ReasonOrderCreated, v1alpha1.ReasonSubmitting, v1alpha1.ReasonAwaitingCertificate, v1alpha1.ReasonIssued,
	} {
		if told := s.events(usual); len(told) > 0 {
			t.Errorf("that all goes as usual was an event: %s", told[0].Message)
		}
	}
}

func TestAClusterIssuerServesANamespaceThatHasCredentialsOnly(t *testing.T) {
	t.Parallel()
	s := begin(t)
	trust, issuer := s.clusterIssuer(s.Issuer())
	certificate := s.Certificate()
	certificate.Spec.IssuerRef.Kind, certificate.Spec.IssuerRef.Name = issuer.IssuerKind(), issuer.Name
	s.Create(trust, issuer, s.Credentials(s.Mint()), certificate)

	pending, _ := s.awaitSubmitted(certificateName)
	s.awaitReady(certificateName).isFor(s, pending)
	s.spentOnce()
	s.shows([]string{"get", "vci", issuer.Name}, map[string]string{
		"NAME": issuer.Name, "READY": "True", "REASON": "Checked", "CUSTOMER": customerID,
	})
}

// shows fails the test case unless kubectl prints a table that has a row with these values below these headings.
func (s *testCase) shows(arguments []string, wanted map[string]string) {
	s.Helper()
	arguments = append(arguments, "--namespace="+s.Namespace, "--kubeconfig="+s.Cluster.KubeconfigPath(),
		"--cache-dir="+s.TempDir())
	output, err := exec.CommandContext(s.Context(), s.Cluster.Kubectl(), arguments...).CombinedOutput()
	if err != nil {
		s.Fatalf("kubectl %v: %v: %s", arguments, err, output)
	}
	var heading string
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, "NAME") {
			heading = line
			continue
		}
		if fits(heading, line, wanted) {
			return
		}
	}
	s.Errorf("kubectl %s prints no row with %v:\n%s", strings.Join(arguments[:2], " "), wanted, output)
}

// fits reports whether a row of a table has these values below these headings. Names carry their kind where a table has
// several.
func fits(heading, row string, wanted map[string]string) bool {
	for column, value := range wanted {
		at := strings.Index(" "+heading, " "+column+" ")
		if at < 0 || at > len(row) || !strings.HasPrefix(row[at:], value) {
			return false
		}
	}
	return true
}

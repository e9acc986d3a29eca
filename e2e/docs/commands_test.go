package docs

import (
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
)

// followed are the sections whose commands a test of this package, or a story, runs as they are shown.
var followed = map[string][]string{
	restorePage: {"What you see afterwards"},
	// TestTheCommandsOfThePageVerifyARelease of tools/release.
	"docs/operations/verify.md": {"The files", "The provenance", "What is in a registry"},
	startPage: {
		"Bundles and credentials", "The issuer", "The Certificate", "What you have now",
	},
	troublePage: {
		"Troubleshooting", "A certificate that a person fetches", "A password of Suomi.fi Messages",
		"The issuer is not Ready", "A renewal fails",
	},
	trustPage:                            {"When an authority changes", "Check a bundle"},
	permissionPage:                       {"What the controller may do", "What the process that rotates passwords may do"},
	"docs/how-to/adopt-a-certificate.md": nil, // all of it: TestEveryCommandOfTheHowToIsRunByAStory of e2e/stories
	// The first four: TestAPersonFetchesACertificateAndItsRenewals of e2e/stories.
	manualPage: {
		"Once: the issuer", "Once: the Certificate", "Every time: carry the request",
		// TestACertificateIsOrderedAnewWithKubectlAlone of e2e/stories.
		"If the request has failed", "The key in use", "The key that a request waits with",
		"Every time: bring back what came", "If it was refused", "As a text in the order itself",
	},
	trackedPage: {"The stamp certificate", "The signing certificate of VIA", "When it has changed"},
	passwordPage: {
		"The Secret", "The MessagesPassword", "When somebody leaves", "Retrieval", "When a person is needed", "Delete",
	},
}

// excused are commands that are not run here as they are shown, by how they begin, and where they are instead.
var excused = []struct{ begins, because string }{
	{"helm template ", "it is how every world of e2e begins"},
	{"helm ", "it needs a node with Pods: e2e/node installs, upgrades, rolls back and uninstalls with these commands"},
	{"kubectl -n varmenne-issuer ", "the Deployment is on a real node only: e2e/node"},
	{"kubectl -n cert-manager ", "there is no Deployment here; TestARestoreSpendsNothing stops and starts cert-manager"},
	{"kubectl create namespace varmenne-issuer", "it is how every world of e2e begins"},
	{"kubectl create namespace messages", "it is how the world of these tests begins"},
	{"kubectl -n messages create configmap simulator ", "TestAPasswordIsRotatedAsThePageSays runs it"},
	{"kubectl varmenne ", "internal/plugin/commands runs the examples of every verb; a story does what the page says"},
	{"kubectl krew ", "Krew is not here"},
	{"kubectl -n stamping get certificate stamping ", "cert-manager is late when it likes; it was seen by hand"},
	{"kubectl -n stamping get events ", "as above"},
	{"kubectl -n stamping patch certificate stamping ", "as above"},
	{"kubectl -n stamping delete certificaterequest stamping-2", "as above"},
	{"make ", "the targets exist (TestWhatPagesNameIsRight); CI runs those that build and test"},
	{"bin/varmenne-issuer --kubeconfig ", "it does not end; every world of e2e runs the program like this"},
	{"bin/varmenne-issuer simulator", "it does not end; every world of e2e runs the program like this"},
	{"for b in tls", "every world of e2e fetches the bundles there, without curl"},
	{"curl -sO http://127.0.0.1:8444/ca/", "every world of e2e fetches the bundles there, without curl"},
	{"curl -s -H 'Content-Type: application/json' ",
		"the stories, and the tests of internal/messages/client, say the same to the simulator, without curl"},
	{"jq -n --rawfile csr ", "internal/simulator applies for certificates of DVV, without jq"},
	{"curl -sOJ ", "internal/simulator fetches every file that DVV mails, without curl"},
	{"for b in dvv-root ", "internal/simulator fetches these bundles, without curl"},
	{"skopeo ", "there is no registry; tools/image tests the archive that it copies"},
	{"cosign ", "cosign is not here; tools/release verifies what it looks for with the library that cosign verifies with"},
	{"go -C tools/release run ", "it does not end; tools/release publishes to the same registry"},
	{"git checkout ", "there is no such tag yet; tools/release compares what is made twice"},
	{"diff bin/release/", "it is about a release that was downloaded; tools/release compares what is made twice"},
	{"openssl genpkey ", "tools/release signs with such a key"},
	{"openssl pkey ", "tools/release makes the public key with it"},
	{"velero ", "Velero is not here; TestARestoreSpendsNothing does to every object what it does"},
	{"kubectl get veroorder -A ", "it is run by TestTheListOfWhatIsUnderWay"},
	{"kubectl delete crd ", "it would take the kinds away from the other tests"},
	{"openssl req ", "it is run by TestTheRequestForTheEServiceIsOneThatTheServiceTakes"},
	{"kubectl -n tax-reporting annotate veroorder NAME ", "it is run by TestAnOrderTakesOverARetrievalId"},
}

// TestEveryCommandIsRunOrExcused: who adds a command says who runs it.
func TestEveryCommandIsRunOrExcused(t *testing.T) {
	used := map[string]bool{}
	for page := range pages(t) {
		sections, known := followed[page]
		for _, command := range commandsOf(t, page) {
			if known && (sections == nil || slices.Contains(sections, command.Section)) {
				continue
			}
			index := slices.IndexFunc(excused, func(e struct{ begins, because string }) bool {
				return strings.HasPrefix(command.Text, e.begins)
			})
			if index < 0 {
				t.Errorf("%s:%d: nobody runs $ %s", page, command.Line, command.Text)
				continue
			}
			used[excused[index].begins] = true
		}
	}
	for _, e := range excused {
		if !used[e.begins] {
			t.Errorf("no page shows %q any more, which is excused", e.begins)
		}
	}
	for page, sections := range followed {
		for _, section := range sections {
			if _, err := commandsOf(t, page).Section(section); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// commandsOf are the commands of a page, with their lines.
func commandsOf(t *testing.T, page string) howto.Page {
	t.Helper()
	content := read(t, page)
	lines := strings.Split(content, "\n")
	for _, b := range blocksOf(t, page, content) {
		if b.language != "console" { // other blocks go, their lines stay
			clear(lines[b.line-1 : b.line+strings.Count(b.text, "\n")+1])
		}
	}
	found, err := howto.Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return found
}

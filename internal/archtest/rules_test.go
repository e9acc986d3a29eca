package archtest

// rule says what one package of this module may import.
type rule struct {
	// path of the package, relative to the module ("" is main). A trailing "/..." takes in every package below
	// it; these may also import one another.
	path string
	// may lists the packages of this module that it may import, relative to the module like path.
	may []string
	// never lists prefixes of import paths that it must not reach, directly or through others.
	never []string
	// only, unless empty, lists prefixes of the import paths outside this module and the standard library that it
	// may import directly.
	only []string
	// why goes into the failure message.
	why string
}

// Import paths outside this module that the rules speak of.
const (
	clientGo          = "k8s.io/client-go"
	controllerRuntime = "sigs.k8s.io/controller-runtime"
	certManager       = "github.com/cert-manager/cert-manager"
	machinery         = "k8s.io/apimachinery"
	network           = "net/http"
	cliRuntime        = "k8s.io/cli-runtime"
)

// servers are the libraries of an API server: 20 MB of a program, and 14 MiB of its memory at rest.
var servers = []string{"k8s.io/apiserver", "google.golang.org/grpc", "github.com/google/cel-go"}

// pure is what packages stay free of that work without a cluster.
var pure = []string{clientGo, controllerRuntime, certManager}

// offline is pure for packages that do not talk to anybody either.
var offline = []string{clientGo, controllerRuntime, certManager, network}

// controllers may use the same packages, whichever of them it is.
var controllers = []string{
	"api/v1alpha1", "internal/kube/find", "internal/kube/outline", "internal/kube/status", "internal/limiter",
	"internal/lru", "internal/metrics", "internal/owner", "internal/pki", "internal/reasons", "internal/secrets",
	"internal/vero/creation", "internal/vero/facts", "internal/vero/orderstate", "internal/vero/plan",
	"internal/vero/protocol",
}

// rules is the architecture: every package of the module has its row, from main down to the leaves.
var rules = []rule{
	{
		path: "",
		may: []string{
			"internal/app", "internal/healthcheck", "internal/scaledown", "internal/simulator", "internal/simulator/admin",
			"internal/simulator/samples",
		},
		never: append([]string{cliRuntime}, servers...),
		why: "main parses the command line and hands over; what the plugin of kubectl or an API server needs is not in the " +
			"controller",
	},
	{
		path:  "cmd/kubectl-varmenne",
		may:   []string{"internal/plugin/browser", "internal/plugin/commands"},
		never: servers,
		why:   "the plugin's main knows the terminal and the browser, and nothing of certificates",
	},
	{
		path:  "internal/plugin/browser",
		never: []string{clientGo, controllerRuntime, cliRuntime},
		why:   "a browser opens an address, whatever is there",
	},
	{
		path: "internal/plugin/commands",
		may: []string{
			"api/v1alpha1", "internal/kube/find", "internal/manual/delivery", "internal/manual/requirements", "internal/pki",
			"internal/plugin/actions", "internal/plugin/calendar", "internal/plugin/cluster", "internal/plugin/migration",
			"internal/plugin/overview", "internal/plugin/ui", "internal/secrets", "internal/vero/facts",
			"internal/vero/orderstate", "internal/vero/plan", "internal/vero/protocol",
		},
		why: "verbs read, show and write objects with the caller's rights; controllers meet them only in these",
	},
	{
		path: "internal/plugin/ui",
		may: []string{
			"api/v1alpha1", "internal/manual/delivery", "internal/pki", "internal/plugin/actions", "internal/plugin/cluster",
			"internal/plugin/overview",
		},
		never: []string{cliRuntime},
		why:   "the page shows rows and does what the verbs do; it knows neither verbs nor flags",
	},
	{
		path: "internal/plugin/actions",
		may: []string{
			"api/v1alpha1", "internal/kube/find", "internal/manual/delivery", "internal/manual/requirements", "internal/pki",
			"internal/plugin/cluster", "internal/plugin/overview", "internal/secrets",
		},
		never: []string{cliRuntime},
		why:   "what a person does to an object is the same, whether a verb or a form asks for it",
	},
	{
		path:  "internal/plugin/calendar",
		may:   []string{"internal/plugin/overview"},
		never: []string{clientGo, controllerRuntime, cliRuntime},
		why:   "a calendar is made of rows, wherever they come from",
	},
	{
		path:  "internal/plugin/migration",
		may:   []string{"api/v1alpha1", "internal/plugin/cluster"},
		never: []string{cliRuntime},
		why:   "what an older build has stored is JSON to it: the types have the names of now",
	},
	{
		path: "internal/plugin/cluster",
		may:  []string{"api/v1alpha1", "internal/plugin/overview"},
		why:  "cluster lists for the overview, and knows no verb",
	},
	{
		path: "internal/plugin/overview",
		may: []string{
			"api/v1alpha1", "internal/kube/conditions", "internal/manual/csr", "internal/messages/rotation", "internal/pki",
			"internal/reasons", "internal/tracked/trackedstate",
		},
		never: []string{clientGo, controllerRuntime, cliRuntime},
		why:   "what waits for whom is a pure function of the objects and the time, whoever lists and shows them",
	},
	{
		path: "internal/app",
		may: append([]string{
			"internal/gate", "internal/vero/backend", "internal/vero/order", "internal/vero/issuer",
			"internal/vero/client", "internal/endpoints", "internal/manual/backend", "internal/manual/order",
			"internal/manual/issuer", "internal/tracked", "internal/messages/client", "internal/messages/rotation",
			"internal/messages/rotator", "internal/kube/review",
		}, controllers...),
		why: "app wires everything below it; the simulator is beside it, not below",
	},
	{
		path: "internal/simulator/samples",
		may:  []string{"api/v1alpha1", "internal/simulator/admin"},
		why:  "samples speak with the simulator as everybody does, and fill what the API refers to",
	},
	{
		path:  "internal/simulator/dvv",
		may:   []string{"internal/simulator/admin", "internal/simulator/authority"},
		never: pure,
		why:   "DVV is another authority than the certificate service, and knows nothing of it",
	},
	{
		path:  "internal/simulator/messages",
		may:   []string{"internal/simulator/admin", "internal/simulator/script", "internal/simulator/wire"},
		never: pure,
		why:   "the Messages API is another owner's than the certificate service, and knows nothing of it",
	},
	{
		path:  "internal/healthcheck",
		never: pure,
		why:   "healthcheck asks one URL, so that a Pod without a shell can",
	},
	{
		path: "internal/scaledown",
		why:  "scaledown ends a Deployment, whatever it runs",
	},
	{
		path: "internal/gate",
		may: []string{
			"api/v1alpha1", "internal/owner", "internal/reasons", "internal/renewal", "internal/kube/outline",
			"internal/kube/conditions", "internal/kube/status", "internal/limiter", "internal/lru", "internal/metrics",
		},
		why: "the gate serves requests of every kind and knows none",
	},
	{
		path: "internal/owner",
		may:  []string{"internal/kube/access", "internal/lru", "internal/pki"},
		why:  "owner is the security boundary: what it decides depends on nothing but cert-manager's objects and keys",
	},
	{
		path:  "internal/kube/review",
		never: append([]string{controllerRuntime}, servers...),
		why:   "review asks the API server who may read a page, whatever is on it, and is none itself",
	},
	{
		path: "internal/kube/access",
		why:  "access puts the API server's refusals into words",
	},
	{
		path: "internal/vero/backend",
		may: []string{
			"api/v1alpha1", "internal/gate", "internal/secrets", "internal/pki",
			"internal/kube/find", "internal/kube/outline", "internal/limiter", "internal/lru", "internal/vero/creation",
			"internal/vero/plan", "internal/vero/orderstate", "internal/vero/facts",
		},
		why: "the backend reads for the gate, and leaves decisions to issuance",
	},
	{
		path: "internal/vero/creation",
		may:  []string{"api/v1alpha1", "internal/lru", "internal/vero/orderstate"},
		why:  "creation remembers what one process has made, and decides nothing",
	},
	{
		path: "internal/vero/order",
		may:  controllers,
		why:  "controllers meet only in the API's objects, and declare the interfaces of the clients they use",
	},
	{
		path: "internal/vero/issuer",
		may:  controllers,
		why:  "controllers meet only in the API's objects, and declare the interfaces of the clients they use",
	},
	{
		path: "internal/limiter",
		only: []string{machinery},
		why:  "slots share out work, whatever it is",
	},
	{
		path: "internal/kube/find",
		may:  []string{"api/v1alpha1", "internal/kube/outline", "internal/limiter", "internal/vero/facts"},
		why:  "find finds objects from one another and describes issuers to those who decide",
	},
	{
		path: "internal/kube/outline",
		may: []string{
			"api/v1alpha1", "internal/kube/conditions", "internal/kube/status", "internal/lru", "internal/pki",
		},
		why: "outline says what is kept of objects, whoever looks for them",
	},
	{
		path: "internal/metrics",
		may:  []string{"api/v1alpha1", "internal/kube/outline", "internal/reasons", "internal/vero/protocol"},
		why:  "metrics names series, it does not compute them",
	},
	{
		path: "internal/kube/status",
		may:  []string{"api/v1alpha1", "internal/kube/conditions"},
		why:  "status writes conditions and events, whatever they are about",
	},
	{
		path:  "internal/kube/conditions",
		never: []string{clientGo, controllerRuntime, cliRuntime},
		why:   "conditions reads objects of cert-manager, wherever they come from",
	},
	{
		path:  "internal/reasons",
		may:   []string{"api/v1alpha1"},
		never: pure,
		why:   "reasons is a table",
	},
	{
		path:  "internal/renewal",
		may:   []string{"internal/reasons"},
		never: pure,
		why:   "renewal is arithmetic with times and the table of reasons",
	},
	{
		path: "internal/secrets",
		may: []string{
			"api/v1alpha1", "internal/kube/access", "internal/lru", "internal/pki", "internal/sensitive",
			"internal/vero/protocol",
		},
		why: "secrets reads credentials into values",
	},
	{
		path:  "internal/vero/facts",
		may:   []string{"api/v1alpha1", "internal/pki"},
		never: pure,
		why:   "facts are values that decisions are made from",
	},
	{
		path: "internal/vero/orderstate",
		may: []string{
			"api/v1alpha1", "internal/pki", "internal/reasons", "internal/vero/facts", "internal/vero/protocol",
			"internal/vero/xmlsig",
		},
		never: pure,
		why:   "how an order goes on is a pure function of a snapshot, and knows nothing of the request that it is for",
	},
	{
		path: "internal/vero/orderstate/ordertest",
		may: []string{
			"api/v1alpha1", "internal/vero/protocol", "internal/vero/facts", "internal/vero/orderstate", "internal/pki",
			"internal/pki/pkitest", "internal/vero/xmlsig",
		},
		why: "ordertest makes orders for tests; no row names it, so nothing that ships may import it",
	},
	{
		path: "internal/vero/explore",
		why:  "explore holds tests only",
	},
	{
		path: "internal/vero/plan",
		may: []string{
			"api/v1alpha1", "internal/vero/facts", "internal/vero/orderstate", "internal/pki", "internal/reasons",
		},
		never: pure,
		why:   "which order a request needs is a pure function of a snapshot",
	},
	{
		path: "internal/vero/client",
		may: []string{
			"internal/vero/protocol", "internal/vero/xmlsig", "internal/pki", "internal/endpoints", "internal/https",
			"internal/sensitive",
		},
		never: pure,
		why:   "the client takes plain values and knows no Kubernetes",
	},
	{
		path:  "internal/messages/client",
		may:   []string{"internal/endpoints", "internal/https", "internal/messages/password", "internal/sensitive"},
		never: pure,
		why:   "the client takes plain values and knows no Kubernetes",
	},
	{
		path:  "internal/https",
		may:   []string{"internal/endpoints", "internal/pki"},
		never: pure,
		why:   "https carries requests of every service, and knows none",
	},
	{
		path:  "internal/lru",
		never: offline,
		why:   "lru bounds what is kept in memory, whatever it is",
	},
	{
		path:  "internal/sensitive",
		never: offline,
		why:   "sensitive hides texts, whatever they open",
	},
	{
		path:  "internal/pasted",
		never: offline,
		why:   "pasted judges texts, whoever takes them",
	},
	{
		path:  "internal/endpoints",
		never: offline,
		why:   "endpoints is a rule about hosts and addresses, it calls nobody",
	},
	{
		path:  "internal/vero/protocol",
		may:   []string{"internal/pasted", "internal/sensitive"},
		never: offline,
		why:   "protocol holds the service's messages as values, without network",
	},
	{
		path:  "internal/vero/xmlsig",
		may:   []string{"internal/pki"},
		never: offline,
		why:   "xmlsig signs and verifies documents, without network",
	},
	{
		path:  "internal/pki",
		never: offline,
		why:   "pki is about X.509 and nothing else",
	},
	{
		path: "internal/manual/backend",
		may: []string{
			"api/v1alpha1", "internal/gate", "internal/kube/find", "internal/kube/outline", "internal/manual/csr",
			"internal/limiter", "internal/manual/orderstate", "internal/pki", "internal/secrets",
		},
		why: "the backend reads for the gate, and knows nothing of the certificate service",
	},
	{
		path: "internal/manual/order",
		may: []string{
			"api/v1alpha1", "internal/kube/find", "internal/kube/outline", "internal/kube/status", "internal/manual/csr",
			"internal/manual/delivery", "internal/manual/instructions", "internal/manual/orderstate",
			"internal/manual/requirements", "internal/owner", "internal/pki", "internal/reasons", "internal/secrets",
		},
		why: "controllers meet only in the API's objects",
	},
	{
		path: "internal/manual/requirements",
		may: []string{
			"api/v1alpha1", "internal/kube/status", "internal/manual/csr", "internal/manual/delivery", "internal/pki",
		},
		why: "requirements are the same for the controller and for a program that checks before anything is sent",
	},
	{
		path: "internal/manual/issuer",
		may: []string{
			"api/v1alpha1", "internal/kube/find", "internal/kube/status", "internal/metrics", "internal/secrets",
		},
		why: "controllers meet only in the API's objects",
	},
	{
		path:  "internal/manual/orderstate",
		may:   []string{"api/v1alpha1", "internal/manual/instructions", "internal/pki", "internal/reminders"},
		never: pure,
		why:   "what an order says is a pure function of a snapshot",
	},
	{
		path:  "internal/manual/instructions",
		may:   []string{"api/v1alpha1"},
		never: pure,
		why:   "instructions are texts with names filled in",
	},
	{
		path:  "internal/manual/csr",
		may:   []string{"api/v1alpha1", "internal/pki"},
		never: pure,
		why:   "csr compares requests, whoever made them",
	},
	{
		path:  "internal/reminders",
		never: offline,
		why:   "reminders is arithmetic with times",
	},
	{
		path: "internal/tracked",
		may: []string{
			"api/v1alpha1", "internal/kube/access", "internal/kube/status", "internal/manual/delivery", "internal/reasons",
			"internal/secrets", "internal/tracked/trackedstate",
		},
		why: "controllers meet only in the API's objects",
	},
	{
		path:  "internal/tracked/trackedstate",
		may:   []string{"api/v1alpha1", "internal/pki", "internal/reminders"},
		never: pure,
		why:   "what is said of a certificate is a pure function of it and the time",
	},
	{
		path:  "internal/manual/delivery",
		may:   []string{"internal/pki"},
		never: offline,
		only:  []string{"github.com/smallstep/pkcs7"},
		why:   "delivery reads what people bring, wherever they bring it: to the controller, or to a program of theirs",
	},
	{
		path:  "internal/messages/rotation",
		may:   []string{"api/v1alpha1"},
		never: pure,
		why:   "what a rotation does next is a pure function of a snapshot, and sees no password",
	},
	{
		path: "internal/messages/rotation/explore",
		why:  "explore holds tests only",
	},
	{
		path: "internal/messages/rotator",
		may: []string{
			"api/v1alpha1", "internal/kube/access", "internal/kube/status", "internal/messages/client",
			"internal/messages/password", "internal/messages/rotation", "internal/pki", "internal/reasons", "internal/secrets",
			"internal/sensitive",
		},
		why: "controllers meet only in the API's objects, and declare the interfaces of the clients they use",
	},
	{
		path:  "internal/messages/password",
		may:   []string{"internal/sensitive"},
		never: offline,
		why:   "password makes and checks texts, whoever stores them",
	},
	{
		path: "internal/pki/pkitest",
		why:  "pkitest makes certificates for tests; no row names it, so nothing that ships may import it",
	},
	{
		path:  "api/v1alpha1",
		never: pure,
		only:  []string{machinery},
		why:   "the API is what others import: it brings nothing along but apimachinery",
	},
	{
		path:  "internal/simulator/...",
		never: pure,
		why:   "the simulator is a second implementation: what it shared with the product could be wrong in both",
	},
	{
		path: "internal/apitest",
		may:  []string{"api/v1alpha1", "internal/kube/outline"},
		why:  "apitest starts an API server for tests; no row names it, so nothing that ships may import it",
	},
	{
		path: "internal/explore",
		why:  "explore searches models for tests; no row names it, so nothing that ships may import it",
	},
	{
		path: "internal/must",
		why:  "must fails tests; no row names it, so nothing that ships may import it",
	},
	{
		path: "internal/referee",
		why:  "referee runs other programs for tests; no row names it, so nothing that ships may import it",
	},
	{
		path: "internal/crash",
		why:  "crash holds tests only",
	},
	{
		path: "internal/archtest",
		why:  "archtest is a test",
	},
}

# What can be made here is listed by `make help`. A machine with Go, gcc, make and git is enough:
# everything else is built from the module sources, once, into bin/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One target at a time, whatever -j says: most keep two cores busy and are easier to read alone. `test` says which run
# side by side all the same, because they wait more than they work.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

GO ?= go
BIN := $(CURDIR)/bin
CHART := charts/varmenne-issuer
# Without a .git (a source archive) the binary calls itself "unknown".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse --quiet --verify HEAD 2>/dev/null || echo unknown)
# The version is passed by -X below; go's own stamp would fail where git distrusts the checkout's owner.
BUILD := build -buildvcs=false

# What people give gets into commands of the shell, in quotes, and nothing of it is make's.
quoted = '$(subst ','\'',$(1))'
GIVEN := VERSION COMMIT REGISTRY KEY RELEASE SITE_REF VULNDB ONLY
$(foreach given,$(GIVEN),$(if $(filter-out file,$(origin $(given))),$(if $(findstring $$,$(value $(given))),\
	$(error $(given) has a dollar sign in it, which make takes for a variable of its own))))

# One set of flags for programs, tests and linters, so that each package is compiled once for all of them. Only the race
# detector, which needs cgo, compiles packages again.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath $(filter-out -trimpath,$(GOFLAGS))

# Tools are pinned in tools/go.mod. Their file names carry their version and that of Go, so a new pin or
# a new Go builds them afresh and an old clone never runs a stale one.
GO_VERSION := $(shell $(GO) env GOVERSION)
# Where the tool is at the module's root, its path alone stands among the tools, too.
pinned = $(shell awk '$$1 == "$(1)" && $$2 { print $$2 }' tools/go.mod)
CONTROLLER_GEN_VERSION := $(call pinned,sigs.k8s.io/controller-tools)
CRD_REF_DOCS_VERSION := $(call pinned,github.com/elastic/crd-ref-docs)
GOLANGCI_LINT_VERSION := $(call pinned,github.com/golangci/golangci-lint/v2)
KUBE_API_LINTER_VERSION := $(call pinned,sigs.k8s.io/kube-api-linter)
CONTROLLER_GEN := $(BIN)/tools/controller-gen-$(CONTROLLER_GEN_VERSION)-$(GO_VERSION)
CRD_REF_DOCS := $(BIN)/tools/crd-ref-docs-$(CRD_REF_DOCS_VERSION)-$(GO_VERSION)
GOLANGCI_LINT := $(BIN)/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)-$(GO_VERSION)
KUBE_API_LINTER := $(BIN)/tools/kube-api-linter-$(KUBE_API_LINTER_VERSION)-$(GO_VERSION)
# Helm and helm-docs have a module of their own. Helm takes itself to be for the Kubernetes that its client is of.
pinned_with_helm = $(shell awk '$$1 == "$(1)" { print $$2 }' tools/helm/go.mod)
HELM_VERSION := $(call pinned_with_helm,helm.sh/helm/v3)
HELM_DOCS_VERSION := $(call pinned_with_helm,github.com/norwoodj/helm-docs)
HELM := $(BIN)/tools/helm-$(HELM_VERSION)-$(GO_VERSION)
HELM_DOCS := $(BIN)/tools/helm-docs-$(HELM_DOCS_VERSION)-$(GO_VERSION)
# The tests use this helm, unless the environment names another one.
export VARMENNE_HELM ?= $(HELM)
# What is run from here builds the API server before the tests that need it: none of them is skipped.
export VARMENNE_REQUIRE_ENVTEST := 1

# The bill of materials is written by a tool in a module of its own, too.
CYCLONEDX_VERSION := $(shell awk '$$1 == "github.com/CycloneDX/cyclonedx-gomod" { print $$2 }' tools/sbom/go.mod)
CYCLONEDX := $(BIN)/tools/cyclonedx-gomod-$(CYCLONEDX_VERSION)-$(GO_VERSION)

# Generated files are written here first, in the layout of the repository; then they are either copied
# or compared. The leading dot hides the Go file in it from ./... patterns.
STAGE := bin/.generated
GENERATED := api/v1alpha1/zz_generated.deepcopy.go $(CHART)/files/crds $(CHART)/files/rbac \
	$(CHART)/values.schema.json $(CHART)/README.md docs/reference docs/licenses.md

# Race detection for the tests of the product; RACE= turns it off. The e2e tests run without: they
# share two cores with an API server.
RACE ?= -race
RACE_TEST = $(if $(RACE),CGO_ENABLED=1) $(GO) test $(RACE)
FUZZTIME ?= 10s
BENCH ?= .
TESTFLAGS ?=
SOAKFLAGS ?=

# Test packages in two kinds: those whose test binary contains envtest start an API server.
ENVTEST := sigs.k8s.io/controller-runtime/pkg/envtest
MARK_ENVTEST := {{ .ImportPath }}{{ range .Deps }}{{ if eq . "$(ENVTEST)" }} envtest{{ end }}{{ end }}
test_binaries = $(GO) list -test -f '$(MARK_ENVTEST)' ./...
unit_packages = $(test_binaries) | awk 'sub(/\.test$$/, "", $$1) && NF == 1'
integration_packages = $(test_binaries) | awk 'sub(/\.test$$/, "", $$1) && NF == 2 { print $$1 }'

.PHONY: help
help: ## lists the targets
	@echo "usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## builds bin/varmenne-issuer and bin/kubectl-varmenne
	$(GO) $(BUILD) -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o $(BIN)/varmenne-issuer .
	$(GO) $(BUILD) -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o $(BIN)/kubectl-varmenne \
		./cmd/kubectl-varmenne

# The plugin of kubectl for every machine that people sit at, each in an archive as Krew takes it, with the manifest that
# Krew installs them by. One commit always makes the same bytes.
PLUGIN_PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
PLUGIN := $(BIN)/plugin

.PHONY: plugin
plugin: ## makes archives of kubectl-varmenne for six platforms and the Krew manifest into bin/plugin/
	@rm -rf $(PLUGIN)
	@mkdir -p $(PLUGIN)
	@sed 's/VERSION/$(VERSION)/g' cmd/kubectl-varmenne/krew.yaml > $(PLUGIN)/varmenne.yaml
	@for platform in $(PLUGIN_PLATFORMS); do \
		os=$${platform%/*}; arch=$${platform#*/}; name=kubectl-varmenne_$${os}_$$arch; ending=; \
		if [ $$os = windows ]; then ending=.exe; fi; mkdir $(PLUGIN)/$$name; \
		GOOS=$$os GOARCH=$$arch $(GO) $(BUILD) -o $(PLUGIN)/$$name/kubectl-varmenne$$ending \
			-ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" ./cmd/kubectl-varmenne; \
		cp LICENSE cmd/kubectl-varmenne/kubectl_complete-varmenne $(PLUGIN)/$$name/; \
		$(GO) -C tools/docs run ./licenses -repository $(CURDIR) -program ./cmd/kubectl-varmenne -platform $$platform \
			-texts $(PLUGIN)/$$name/licenses.txt; \
		tar --sort=name --mtime=@$(IMAGE_TIME) --mode=u=rwX,go=rX --owner=0 --group=0 --numeric-owner \
			-C $(PLUGIN)/$$name -cf - . | gzip -9n > $(PLUGIN)/$$name.tar.gz; \
		digest=$$(sha256sum $(PLUGIN)/$$name.tar.gz); \
		sed -i "s/SHA256_$${os}_$$arch/$${digest%% *}/" $(PLUGIN)/varmenne.yaml; \
	done
	@find $(PLUGIN) -type f -size +46080k | grep . && { echo "these are longer than 45 MiB: see what is linked into them" >&2; exit 1; } || :
	@ls -l $(PLUGIN)/*.tar.gz $(PLUGIN)/varmenne.yaml

# The image says that it was made when its commit was, so that one commit always makes the same bytes.
ARCHITECTURES ?= amd64 arm64
IMAGE_DIR ?= $(BIN)/image
IMAGE_TIME ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
image_binary = $(BIN)/image/$(1)/varmenne-issuer
build_image_binary = GOOS=linux GOARCH=$(1) $(GO) $(BUILD) \
	-ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o $(call image_binary,$(1)) .

.PHONY: image
image: ## makes the image for amd64 and arm64 into bin/image/, without a container engine
	$(foreach architecture,$(ARCHITECTURES),$(call build_image_binary,$(architecture)) &&) \
	$(GO) -C tools/image run . -out $(IMAGE_DIR) -version $(VERSION) -commit $(COMMIT) -epoch $(IMAGE_TIME) \
		$(foreach architecture,$(ARCHITECTURES),$(architecture)=$(call image_binary,$(architecture)))

.PHONY: image-test
image-test: ## checks the image: what is in it, how it runs, that it comes out the same again
	$(GO) -C tools/image test $(TESTFLAGS) -timeout 20m ./...

# A release is what `make publish` pushes and what people download. What is made here is the same bytes for one tag and
# one Go, whoever makes it: docs/operations/verify.md says how to compare.
RELEASE ?= $(BIN)/release
RELEASE_TOOL = $(GO) -C tools/release run .
release_check = $(RELEASE_TOOL) check -repository $(CURDIR) -version $(call quoted,$(VERSION)) \
	-commit $(call quoted,$(COMMIT))

.PHONY: release
release: ## makes all that a release has into bin/release/, from the tag of a clean tree (VERSION=1.2.3)
	@$(release_check)
	@$(MAKE) --no-print-directory helm image sbom
	@$(MAKE) --no-print-directory plugin VERSION=v$(VERSION)
	@# Once more: the builds have taken minutes, and somebody may have edited a file meanwhile.
	@$(release_check)
	@$(RELEASE_TOOL) assemble -repository $(CURDIR) -version $(VERSION) -commit $(COMMIT) -epoch $(IMAGE_TIME) \
		-images $(IMAGE_DIR) -program $(call image_binary,amd64) -plugins $(PLUGIN) -sbom $(BIN)/sbom \
		-helm $(VARMENNE_HELM) -out $(call quoted,$(abspath $(RELEASE)))
	@ls -l $(call quoted,$(abspath $(RELEASE)))

# REGISTRY is a host, with a port or a path where it has one. The key never gets into the release. A KEY that is given and
# empty is a mistake: what was to be signed would be published without a signature.
.PHONY: publish
publish: ## pushes bin/release/ to REGISTRY (image, chart, what belongs to them); KEY=file signs
	@$(if $(KEY),,$(if $(filter-out undefined,$(origin KEY)),$(error KEY names no file; leave it out where nothing is to be signed)))
	@key=$(call quoted,$(KEY)); case "$$key" in ''|/*) ;; *) key=$(CURDIR)/$$key ;; esac; \
	$(RELEASE_TOOL) publish -directory $(call quoted,$(abspath $(RELEASE))) -registry $(call quoted,$(REGISTRY)) -key "$$key"

.PHONY: release-test
release-test: helm ## checks how a release is put together and published, with a registry of its own
	$(GO) -C tools/release test $(TESTFLAGS) -timeout 20m ./...

.PHONY: demo
demo: ## shows a Certificate becoming Ready on a cluster of its own, on this machine alone
	@part() { echo "Part $$1 of 4: $$2"; }; \
	echo "What is not in bin/ yet is built first; with empty caches, the four parts take about ten minutes on two cores."; \
	part 1 "varmenne-issuer and kubectl-varmenne"; $(MAKE) --no-print-directory build; \
	part 2 "a Kubernetes control plane and cert-manager"; $(MAKE) --no-print-directory assets; \
	part 3 "helm"; $(MAKE) --no-print-directory helm; \
	part 4 "the demo itself"; $(GO) -C e2e build -o $(BIN)/demo ./cmd/demo
	@cd e2e && VARMENNE_BINARY=$(BIN)/varmenne-issuer exec $(BIN)/demo

# Of the commits up to this one, some were made before there was the rule.
SUBJECTS_SINCE ?= 9c25dff3ea6effd925517093f34b62acfa016f54

.PHONY: subjects
subjects: ## checks the subjects of new commits: "area: what changes", up to 72 characters
	@.ci/subjects -since $(SUBJECTS_SINCE)

.PHONY: hooks
hooks: ## has git check the subject of each commit that you make in this clone
	git config core.hooksPath .ci/hooks

# timed runs a target, and notes how long it took and how much of the processors.
DURATIONS := $(BIN)/.durations
timed = TIMEFORMAT="$$(printf '%-16s %%5lR  %%6U s' $(1))"; \
	{ time $(MAKE) --no-print-directory $(1) 2>&3; } 3>&2 2>>$(DURATIONS)

# What talks to an API server mostly waits. Side by side it takes half the time, and two cores are busy by two thirds.
.PHONY: test
test: ## checks everything: generated files, lint, all tests; says what took how long
	@mkdir -p $(BIN); : > $(DURATIONS); trap 'echo "What took how long, and of the processors:"; cat $(DURATIONS)' EXIT; \
	for target in subjects generate-check lint pages unit image-test release-test assets node-assets browser-assets; do \
		$(call timed,$$target); \
	done; \
	{ $(call timed,integration); $(call timed,monitoring); } & beside=$$!; failed=; \
	{ $(call timed,e2e); } || failed=yes; \
	wait $$beside || failed=yes; \
	test -z "$$failed"

# The same checks are part of e2e. First and alone they tell of a slip in a page in seconds.
.PHONY: pages
pages: helm ## checks what the pages name, quote and link, without a cluster
	$(GO) -C e2e test -short -count=1 $(TESTFLAGS) ./docs

# Links to what is no page lead to SITE_REF of the repository. What is wrong with a page is found before bin/site/ goes.
SITE_REF ?= main

.PHONY: site
site: ## renders the pages into a static site in bin/site/, which a browser reads from there or from any server
	@rm -rf $(BIN)/.site
	@$(GO) -C tools/docs run ./site -repository $(CURDIR) -ref $(call quoted,$(SITE_REF)) -output $(BIN)/.site
	@rm -rf $(BIN)/site && mv $(BIN)/.site $(BIN)/site && echo "$(BIN)/site/index.html"

.PHONY: unit
unit: ## runs the tests that need nothing but Go
	@packages=$$($(unit_packages)); \
	$(RACE_TEST) $(TESTFLAGS) $${packages:?found none}
	@# Never from the cache, which does not know the files outside of a test's module: here the pages and go.mod.
	$(GO) -C tools/docs test -count=1 $(TESTFLAGS) ./...
	$(GO) -C tools/helm test $(TESTFLAGS) ./...
	$(GO) -C tools/vulncheck test $(TESTFLAGS) ./...

# The crash harness takes one step after the other, by hand: there is no race to be found, and twice the time to lose.
.PHONY: integration
integration: assets ## runs the tests that talk to a real kube-apiserver
	@packages=$$($(integration_packages) | grep -v '/internal/crash$$'); \
	KUBEBUILDER_ASSETS=$$($(GO) -C e2e run ./cmd/build -print-dir); export KUBEBUILDER_ASSETS; \
	$(RACE_TEST) $(TESTFLAGS) -timeout 20m $${packages:?found none}; \
	$(GO) test $(TESTFLAGS) -timeout 20m ./internal/crash

# Two packages at a time: most have a world of their own, and three worlds are too many for two cores.
# The stories take longest, and begin first.
.PHONY: e2e
e2e: assets node-assets browser-assets helm ## runs the user stories: cert-manager, kube-apiserver and simulator, all real
	$(GO) -C e2e test -count=1 -p 2 $(TESTFLAGS) -timeout 40m ./stories ./...

.PHONY: monitoring
monitoring: assets helm ## runs the tests of alerts and dashboard, on metrics of real faults
	$(GO) -C e2e/monitoring test -count=1 -p 1 $(TESTFLAGS) -timeout 20m ./...

# It builds Kubernetes and cert-manager twice, and is for when a pin has changed, or what they have to serve.
.PHONY: compat
compat: helm $(GOLANGCI_LINT) ## runs the core of the stories with the oldest and newest Kubernetes and cert-manager, and writes the table of versions (ONLY=KUBERNETES,CERT-MANAGER runs one pair)
	@cd e2e/compat/certmanager-1.14 && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yaml ./...
	@$(GO) -C e2e run ./cmd/compat $(if $(ONLY),-only $(call quoted,$(ONLY)))

# SOAKFLAGS='-kills=20 -certificates=100 -seed=1' makes it shorter, or the same again; -run picks one program.
.PHONY: soak
soak: assets helm soak-messages ## runs the soak tests: failovers, 200 kills, 1,000 Certificates at once, passwords (hours)
	$(GO) -C e2e test -count=1 -v $(TESTFLAGS) -timeout 120m ./soak -full $(SOAKFLAGS)

# Its clocks are fake: there is nothing to wait for but the API server.
ROTATIONS ?= 10000

.PHONY: soak-messages
soak-messages: assets ## rotates passwords ROTATIONS (10000) times while the service does what it likes
	KUBEBUILDER_ASSETS=$$($(GO) -C e2e run ./cmd/build -print-dir) $(GO) test -count=1 -v $(TESTFLAGS) -timeout 600m \
		./internal/messages/rotator -run TestRotationsGoOnWhateverTheServiceDoes -parallel 8 -rotations $(ROTATIONS)

# Breadth first over states needs memory, up to 4 GB of it.
.PHONY: explore
explore: ## follows the histories of orders and of a password rotation further than the tests do (minutes)
	GOMEMLIMIT=3GiB $(GO) test -count=1 -v -p 1 $(TESTFLAGS) -timeout 60m ./internal/vero/explore \
		./internal/messages/rotation/explore -run TestEveryHistory -full

# Each fault at each call with a crash at each step, and each pair of crashes: 4,000 rotations.
.PHONY: crash
crash: assets ## crashes the rotation of a password in more ways than the tests do (half an hour)
	KUBEBUILDER_ASSETS=$$($(GO) -C e2e run ./cmd/build -print-dir) \
	$(GO) test -count=1 $(TESTFLAGS) -timeout 120m ./internal/crash -run 'Rotation|Leader|BothDecided|MessagesPasswords|CostsNoCall' -full

.PHONY: assets
assets: ## builds kube-apiserver, etcd and kubectl into bin/ (minutes the first time)
	@$(GO) -C e2e run ./cmd/build

.PHONY: node-assets
node-assets: ## builds and unpacks what a node runs into bin/, if this machine can run one (root, cgroup v1, apt)
	@$(GO) -C e2e run ./cmd/build -node

.PHONY: browser-assets
browser-assets: ## unpacks headless Chromium into bin/, if this machine's apt has it
	@$(GO) -C e2e run ./cmd/build -browser

.PHONY: helm
helm: $(VARMENNE_HELM) ## builds helm, which the tests install the chart with; VARMENNE_HELM names another one

# grep finds the targets: asking the test binaries would start API servers just to print names.
.PHONY: fuzz
fuzz: ## runs every fuzz target for FUZZTIME (10s)
	@grep -rEo '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' api internal e2e | \
	sed -E 's,^(.*)/[^/]*:func (.*)$$,\1 \2,' | while read -r directory target; do \
		echo "fuzzing $$target in $$directory for $(FUZZTIME)"; \
		$(GO) -C "$$directory" test . -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) </dev/null; \
	done

.PHONY: bench
bench: assets ## runs the benchmarks that match BENCH (all)
	@KUBEBUILDER_ASSETS=$$($(GO) -C e2e run ./cmd/build -print-dir); export KUBEBUILDER_ASSETS; \
	grep -rlE '^func Benchmark' --include='*_test.go' api internal e2e | xargs -n 1 dirname | sort -u | \
	while read -r directory; do \
		$(GO) -C "$$directory" test . -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m </dev/null; \
	done

.PHONY: lint
lint: $(GOLANGCI_LINT) $(KUBE_API_LINTER) ## runs the linters over all modules, those of the API conventions over api/, and vulncheck
	@echo "linting api by the API conventions"; \
	$(KUBE_API_LINTER) run --config $(CURDIR)/.golangci-api.yaml ./api/...
	@for module in . e2e e2e/monitoring e2e/coredns tools/image tools/release tools/docs tools/helm tools/vulncheck; do \
		echo "linting $$module"; \
		(cd $$module && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yaml ./...); \
	done
	@$(MAKE) --no-print-directory vulncheck

.PHONY: dependencies
dependencies: ## weighs the modules that are linked, and writes the figures into docs/dependencies.md
	@$(GO) -C tools/docs run ./dependencies -repository $(CURDIR)

# Who has no way to the internet names a mirror of the database: VULNDB=file:///its/path.
VULNDB ?= https://vuln.go.dev

.PHONY: vulncheck
vulncheck: ## asks the Go vulnerability database about the programs; REQUIRE=1 fails where it does not answer
	@$(GO) -C tools/vulncheck run . -repository $(CURDIR) -db $(call quoted,$(VULNDB)) $(if $(REQUIRE),-require) . ./cmd/kubectl-varmenne

.PHONY: generate
generate: stage ## writes what comes from types, markers and comments: deepcopy, CRDs, RBAC, the chart's schema and README
	@rm -f $(CHART)/files/crds/*.yaml
	@cp -R $(STAGE)/. .

# Compares with what is on disk, so it neither needs git nor minds unrelated changes; it writes nothing.
.PHONY: generate-check
generate-check: stage ## fails when a generated file is stale, and says which
	@files=$$({ find $(GENERATED) -type f 2>/dev/null || true; cd $(STAGE); find * -type f; } | sort -u); \
	stale=; for file in $$files; do \
		diff -uN "$$file" "$(STAGE)/$$file" | head -n 40 || stale+=" $$file"; \
	done; \
	if [ -n "$$stale" ]; then echo "stale:$$stale; run 'make generate'" >&2; exit 1; fi

.PHONY: stage
stage: $(CONTROLLER_GEN) $(CRD_REF_DOCS) $(HELM_DOCS)
	@rm -rf $(STAGE)
	@$(CONTROLLER_GEN) object crd rbac:roleName=varmenne-issuer \
		paths=./api/... paths=./internal/gate/... \
		paths=./internal/vero/... \
		output:object:dir=$(STAGE)/api/v1alpha1 \
		output:crd:dir=$(STAGE)/$(CHART)/files/crds output:rbac:dir=$(STAGE)/$(CHART)/files/rbac
	@$(CONTROLLER_GEN) rbac:roleName=varmenne-issuer-manual paths=./internal/manual/... \
		paths=./internal/tracked/... \
		output:rbac:dir=$(STAGE)/$(CHART)/files/rbac/manual
	@$(CONTROLLER_GEN) rbac:roleName=varmenne-issuer-messages paths=./internal/messages/... \
		output:rbac:dir=$(STAGE)/$(CHART)/files/rbac/messages
	@$(GO) -C tools/helm run ./valuesschema -values $(CURDIR)/$(CHART)/values.yaml \
		-output $(CURDIR)/$(STAGE)/$(CHART)/values.schema.json
	@$(HELM_DOCS) --chart-search-root $(CHART) --sort-values-order file --log-level warning --dry-run \
		> $(STAGE)/$(CHART)/README.md
	@$(GO) -C tools/docs run ./reference -repository $(CURDIR) -output $(CURDIR)/$(STAGE)/docs/reference
	@for kind in VeroIssuer VeroClusterIssuer VeroOrder ManualIssuer ManualClusterIssuer ManualOrder TrackedCertificate \
		MessagesPassword; do \
		$(CRD_REF_DOCS) --log-level ERROR --config tools/docs/kinds/config.yaml --templates-dir tools/docs/kinds \
			--renderer markdown --source-path api --template-value kind=$$kind \
			--output-path $(STAGE)/docs/reference/$${kind,,}.md; \
	done
	@$(GO) -C tools/docs run ./licenses -repository $(CURDIR) -page $(CURDIR)/$(STAGE)/docs/licenses.md

$(CONTROLLER_GEN):
	@echo "building controller-gen $(CONTROLLER_GEN_VERSION), once (less than a minute)"
	@$(GO) -C tools $(BUILD) -o $@ \
		-ldflags "-X sigs.k8s.io/controller-tools/pkg/version.version=$(CONTROLLER_GEN_VERSION)" \
		sigs.k8s.io/controller-tools/cmd/controller-gen

$(CRD_REF_DOCS):
	@echo "building crd-ref-docs $(CRD_REF_DOCS_VERSION), once (less than a minute)"
	@$(GO) -C tools $(BUILD) -o $@ -ldflags "-X main.buildVersion=$(CRD_REF_DOCS_VERSION)" github.com/elastic/crd-ref-docs

$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), once (some minutes)"
	@$(GO) -C tools $(BUILD) -o $@ -ldflags "-X main.version=$(GOLANGCI_LINT_VERSION) -X main.date=unknown" \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# A golangci-lint of its own, with nothing but that one linter enabled (.golangci-api.yaml).
$(KUBE_API_LINTER):
	@echo "building kube-api-linter $(KUBE_API_LINTER_VERSION), once (less than a minute after golangci-lint)"
	@$(GO) -C tools $(BUILD) -o $@ sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter

# The version of Kubernetes is what `helm template` and `helm lint` compare a chart's kubeVersion with.
HELM_KUBERNETES := $(word 2,$(subst ., ,$(call pinned_with_helm,k8s.io/client-go)))
HELM_FLAGS := -s -w -X helm.sh/helm/v3/internal/version.version=$(HELM_VERSION) \
	$(foreach package,lint/rules chartutil,-X helm.sh/helm/v3/pkg/$(package).k8sVersionMajor=1 \
		-X helm.sh/helm/v3/pkg/$(package).k8sVersionMinor=$(HELM_KUBERNETES))

$(HELM):
	@echo "building helm $(HELM_VERSION), once (some minutes)"
	@$(GO) -C tools/helm $(BUILD) -o $@ -ldflags "$(HELM_FLAGS)" helm.sh/helm/v3/cmd/helm

$(HELM_DOCS):
	@echo "building helm-docs $(HELM_DOCS_VERSION), once (less than a minute)"
	@$(GO) -C tools/helm $(BUILD) -o $@ -ldflags "-s -w -X main.version=$(HELM_DOCS_VERSION)" \
		github.com/norwoodj/helm-docs/cmd/helm-docs

# The same commit and Go give the same bytes: no serial number, no time. Every component carries its license as evidence;
# that all of them are permissive is checked beside it, and their texts are written down.
# In a worktree of git, .git is a file, and the tool finds no version there: it looks at a copy with a repository then.
SBOM_COPY := $(BIN)/.sbom
SBOM_SOURCE := $(if $(shell test -f .git && echo worktree),$(SBOM_COPY),.)

.PHONY: sbom
sbom: $(CYCLONEDX) ## writes a bill of materials (CycloneDX) and the texts of all licenses into bin/sbom/
	@mkdir -p $(BIN)/sbom
	@if [ $(SBOM_SOURCE) != . ]; then \
		rm -rf $(SBOM_COPY); git clone --quiet --no-checkout . $(SBOM_COPY); \
		git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t $(SBOM_COPY); \
	fi
	@for architecture in amd64 arm64; do \
		GOOS=linux GOARCH=$$architecture GOFLAGS= $(CYCLONEDX) app -json -std -licenses -noserial -notimestamp \
			-output $(BIN)/sbom/varmenne-issuer-$$architecture.cdx.json $(SBOM_SOURCE) 2> $(BIN)/sbom/log || { cat $(BIN)/sbom/log >&2; exit 1; }; \
	done; for platform in $(PLUGIN_PLATFORMS); do \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} GOFLAGS= $(CYCLONEDX) app -json -std -licenses -noserial -notimestamp \
			-main ./cmd/kubectl-varmenne -output $(BIN)/sbom/kubectl-varmenne_$${platform%/*}_$${platform#*/}.cdx.json $(SBOM_SOURCE) \
			2> $(BIN)/sbom/log || { cat $(BIN)/sbom/log >&2; exit 1; }; \
	done; rm -rf $(BIN)/sbom/log $(SBOM_COPY)
	@$(GO) -C tools/docs run ./licenses -repository $(CURDIR) -texts $(BIN)/sbom/licenses.txt
	@ls $(BIN)/sbom

$(CYCLONEDX):
	@echo "building cyclonedx-gomod $(CYCLONEDX_VERSION), once (less than a minute)"
	@$(GO) -C tools/sbom $(BUILD) -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

.PHONY: clean
clean: ## removes bin/: the binary, the tools and the test cluster's programs
	rm -rf $(BIN)

# What can be made here is listed by `make help`. A machine with Go, gcc, make and git is enough:
# everything else is built from the module sources, once, into bin/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two cores and one screen: side by side the targets would only be slower and harder to read.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

GO ?= go
BIN := $(CURDIR)/bin
CHART := charts/varmenne-issuer
# Without a .git (a source archive) the binary calls itself "unknown".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse --quiet --verify HEAD 2>/dev/null || echo unknown)
# The version is passed by -X below; go's own stamp would fail where git distrusts the checkout's owner.
BUILD := build -trimpath -buildvcs=false

# Tools are pinned in tools/go.mod. Their file names carry their version and that of Go, so a new pin or
# a new Go builds them afresh and an old clone never runs a stale one.
GO_VERSION := $(shell $(GO) env GOVERSION)
pinned = $(shell awk '$$1 == "$(1)" { print $$2 }' tools/go.mod)
CONTROLLER_GEN_VERSION := $(call pinned,sigs.k8s.io/controller-tools)
GOLANGCI_LINT_VERSION := $(call pinned,github.com/golangci/golangci-lint/v2)
CONTROLLER_GEN := $(BIN)/tools/controller-gen-$(CONTROLLER_GEN_VERSION)-$(GO_VERSION)
GOLANGCI_LINT := $(BIN)/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)-$(GO_VERSION)

# Generated files are written here first, in the layout of the repository; then they are either copied
# or compared. The leading dot hides the Go file in it from ./... patterns.
STAGE := bin/.generated
GENERATED := api/v1alpha1/zz_generated.deepcopy.go $(CHART)/files/crds $(CHART)/files/rbac/role.yaml

# Race detection for the tests of the product; RACE= turns it off. The e2e tests run without: they
# share two cores with an API server.
RACE ?= -race
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
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## builds bin/varmenne-issuer
	CGO_ENABLED=0 $(GO) $(BUILD) -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)" -o $(BIN)/varmenne-issuer .

.PHONY: demo
demo: build assets ## shows a Certificate becoming Ready on a cluster of its own, on this machine alone
	@$(GO) -C e2e build -o $(BIN)/demo ./cmd/demo
	@cd e2e && VARMENNE_BINARY=$(BIN)/varmenne-issuer exec $(BIN)/demo

.PHONY: test
test: generate-check lint unit integration e2e ## checks everything: generated files, lint, all tests

.PHONY: unit
unit: ## runs the tests that need nothing but Go
	@packages=$$($(unit_packages)); \
	$(GO) test $(RACE) $(TESTFLAGS) $${packages:?found none}

# The crash harness takes one step after the other, by hand: there is no race to be found, and twice the time to lose.
.PHONY: integration
integration: assets ## runs the tests that talk to a real kube-apiserver
	@packages=$$($(integration_packages) | grep -v '/internal/crash$$'); \
	KUBEBUILDER_ASSETS=$$($(GO) -C e2e run ./cmd/build -print-dir); export KUBEBUILDER_ASSETS; \
	$(GO) test $(RACE) $(TESTFLAGS) -timeout 20m $${packages:?found none}; \
	$(GO) test $(TESTFLAGS) -timeout 20m ./internal/crash

# One package at a time: most have a world of their own, which keeps two cores busy.
.PHONY: e2e
e2e: assets ## runs the user stories: cert-manager, kube-apiserver and simulator, all real
	$(GO) -C e2e test -count=1 -p 1 $(TESTFLAGS) -timeout 40m ./...

# SOAKFLAGS='-kills=20 -certificates=100 -seed=1' makes it shorter, or the same again; -run picks one program.
.PHONY: soak
soak: assets ## runs the long programs: failovers, 200 kills, 1,000 Certificates at once (half an hour)
	$(GO) -C e2e test -count=1 -v $(TESTFLAGS) -timeout 120m ./soak -full $(SOAKFLAGS)

.PHONY: assets
assets: ## builds kube-apiserver, etcd and kubectl into bin/ (minutes the first time)
	@$(GO) -C e2e run ./cmd/build

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
lint: $(GOLANGCI_LINT) ## runs the linters of .golangci.yaml over both modules
	$(GOLANGCI_LINT) run ./...
	cd e2e && $(GOLANGCI_LINT) run --config ../.golangci.yaml ./...

.PHONY: generate
generate: stage ## writes deepcopy functions, CRDs and RBAC from the types and markers
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
stage: $(CONTROLLER_GEN)
	@rm -rf $(STAGE)
	@$(CONTROLLER_GEN) object crd rbac:roleName=varmenne-issuer \
		paths=./api/... paths=./internal/controller/... \
		output:object:dir=$(STAGE)/api/v1alpha1 \
		output:crd:dir=$(STAGE)/$(CHART)/files/crds output:rbac:dir=$(STAGE)/$(CHART)/files/rbac

$(CONTROLLER_GEN):
	@echo "building controller-gen $(CONTROLLER_GEN_VERSION), once (less than a minute)"
	@$(GO) -C tools $(BUILD) -o $@ \
		-ldflags "-X sigs.k8s.io/controller-tools/pkg/version.version=$(CONTROLLER_GEN_VERSION)" \
		sigs.k8s.io/controller-tools/cmd/controller-gen

$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), once (some minutes)"
	@$(GO) -C tools $(BUILD) -o $@ -ldflags "-X main.version=$(GOLANGCI_LINT_VERSION) -X main.date=unknown" \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: clean
clean: ## removes bin/: the binary, the tools and the test cluster's programs
	rm -rf $(BIN)

# `make` explains itself. The work is in scripts/.
.DEFAULT_GOAL := help
SHELL := bash

# Which cluster demo, install and uninstall mean: `local`, made here, or `current`, that of kubectl's present context.
CLUSTER ?= local
export CLUSTER

.PHONY: help build crds control-plane demo down test faults fuzz bench lint fmt install uninstall clean

help: ## Show this
	@echo 'Clientele: customers of a SaaS or hosting business as Kubernetes resources.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  CLUSTER=current      demo: use the cluster of KUBECONFIG instead of making one'
	@echo '  PROPTEST_CASES=N     faults: how many cases chance chooses, where test does with 256'
	@echo '  KUBEBUILDER_ASSETS=  use ready-made control plane binaries instead of building them'
	@echo

build: ## Build the operator (release)
	@. scripts/lib.sh && need_cargo && cargo build --release --locked

crds: ## Write crds/ anew from the Rust types
	@scripts/crds

control-plane: ## Build the local control plane into .cache/bin
	@scripts/control-plane

demo: ## Start a cluster and the operator, and tell the stories of examples/
	@scripts/demo

down: ## End what demo has started
	@scripts/down

test: control-plane ## Run all tests, those on a real API server last
	@scripts/test

faults: control-plane ## Try deaths, bad answers and random orders for long (PROPTEST_CASES=4096)
	@scripts/faults

fuzz: ## Feed the mail service's parsers with hostile input (FUZZ_SECONDS=600 a parser)
	@scripts/fuzz

bench: control-plane ## Measure against a floor in the same run (N=1000 customers)
	@scripts/bench

lint: ## Check formatting, lints, dependencies and the Go module
	@scripts/lint

fmt: ## Format everything
	@. scripts/lib.sh && need_cargo && cargo fmt
	@. scripts/lib.sh && need_go && cd deploy/local && gofmt -w .

install: ## Install into the cluster of kubectl's present context
	@. scripts/lib.sh && need_kubectl && kubectl apply -k deploy/

uninstall: ## Remove from there; tenant and partner namespaces stay
	@scripts/uninstall

clean: down ## Remove what demo has left behind (builds stay)
	@rm -rf .local

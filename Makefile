# Chores. A Rust toolchain with rustfmt and clippy, and a C compiler, are enough for `make test`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Rounds of the long crash run, and of the short one that `make test` does.
ROUNDS ?= 200
SHORT_ROUNDS ?= 10
# What the events lie in while `make crash` runs.
LOG ?= segments
# Names of the integration tests that `make test-sled` runs; all when empty.
SLED_TESTS ?=
# Events and queries of the long comparison of queries with a scan; `make test` does a tenth of it.
EVENTS ?= 1000000
QUERIES ?= 5000
# What each start of a crash run is asked again of what went in before.
RETRIES ?= 64
# Events and streams of the long run of a consumer group; `make test` does a twentieth of it.
GROUP_EVENTS ?= 100000
GROUP_STREAMS ?= 10000
# Suites that need more than a Rust toolchain. `make test` runs those whose tool is there.
OPTIONAL ?= proto-lint deny grpcurl umadb clients client-python client-typescript client-go conformance systems
# The clients whose conformance is shown.
LANGUAGES ?= rust python typescript go
BUF := npx --yes @bufbuild/buf@1.75.0
# Where UmaDB's clients are built and installed: what they depend on stays away from what we depend on.
UMADB := target/umadb

.PHONY: help build test check fmt clippy doc crash test-sled select groups bench bench-growth footprint deny \
        proto-lint grpcurl umadb client-python client-typescript client-go conformance

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the release binary
	cargo build --release --bin quipu

test: check ## Run everything: style, lints, docs, all tests, a short crash run, and what tools allow
	QUIPU_CRASH_ROUNDS=$(SHORT_ROUNDS) cargo test --workspace
	@left=''; languages=rust; \
	for suite in $(OPTIONAL); do \
	  case $$suite in \
	    proto-lint) tool='npx and the npm registry'; $(BUF) --version >/dev/null 2>&1 && there=y || there=n ;; \
	    deny) tool='cargo-deny'; cargo deny --version >/dev/null 2>&1 && there=y || there=n ;; \
	    grpcurl) tool='grpcurl'; command -v grpcurl >/dev/null && there=y || there=n ;; \
	    umadb) tool='protoc, Python 3.10 or later with venv, and the PyPI registry'; \
	      command -v protoc >/dev/null && $(MAKE) $(UMADB)/python/ready >/dev/null 2>&1 && there=y || there=n ;; \
	    client-python) tool='Python 3.10 or later with venv, and the PyPI registry'; \
	      python3 -c 'import ensurepip' 2>/dev/null && there=y || there=n ;; \
	    client-typescript) tool='Node.js 20 or later with npm, and its registry'; \
	      command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20)' \
	        && there=y || there=n ;; \
	    client-go) tool='Go 1.26 or later, and its module proxy'; \
	      command -v go >/dev/null && (cd clients/go && go list -m) >/dev/null 2>&1 && there=y || there=n ;; \
	    conformance) there=y ;; \
	    *) echo "no optional suite is called $$suite" >&2; exit 1 ;; \
	  esac; \
	  if [ $$there = y ]; then \
	    $(MAKE) --no-print-directory $$suite LANGUAGES="$$languages" || exit 1; \
	    case $$suite in client-*) languages="$$languages $${suite#client-}" ;; esac; \
	  else left="$$left\n  $$suite: needs $$tool"; fi; \
	done; \
	if [ -n "$$left" ]; then printf "All passed. Left out for want of a tool:%b\n" "$$left"; \
	else echo 'All passed.'; fi

check: fmt clippy doc ## Check style, lints and documentation, without running a test

fmt: ## Check the formatting
	cargo fmt --all --check

clippy: ## Run the lints, warnings denied
	cargo clippy --workspace --all-targets -- -D warnings

doc: ## Build the documentation, warnings denied
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items

crash: ## Kill and restart the server ROUNDS times under load, looking for lost events and wrong retries
	QUIPU_TEST_LOG=$(LOG) QUIPU_CRASH_ROUNDS=$(ROUNDS) QUIPU_CRASH_RETRIES=$(RETRIES) \
	  cargo test --release --test crash -- --nocapture

test-sled: ## Run the integration tests of SLED_TESTS, or all, on servers whose log lies in sled
	QUIPU_TEST_LOG=sled cargo test --test it -- $(SLED_TESTS)

select: ## Compare QUERIES queries over EVENTS events with a scan over their labels
	QUIPU_SELECT_EVENTS=$(EVENTS) QUIPU_SELECT_QUERIES=$(QUERIES) cargo test --release --test select -- --nocapture

groups: ## Have members that come and go deal with GROUP_EVENTS events over GROUP_STREAMS streams
	QUIPU_GROUP_EVENTS=$(GROUP_EVENTS) QUIPU_GROUP_STREAMS=$(GROUP_STREAMS) \
	  cargo test --release --test groups -- --nocapture

clients: client-python client-typescript client-go ## Check and test the clients in other languages

client-python client-typescript client-go: client-%: ## Check and test one of the clients in other languages
	cargo build --bin quipu
	$(MAKE) --no-print-directory -C clients/$* deps
	$(MAKE) --no-print-directory -C clients/$* check
	$(MAKE) --no-print-directory -C clients/$* test QUIPU_BINARY=$(CURDIR)/target/debug/quipu

conformance: ## Run the same scenarios through the clients of LANGUAGES and print the table
	cargo build --bin quipu
	@for language in $(LANGUAGES); do $(MAKE) --no-print-directory -C clients/$$language deps || exit 1; done
	clients/conformance.sh $(LANGUAGES)

systems: ## Run the example systems of SYSTEMS, or all: plainly, through kills, and rebuilt
	cargo build --bin quipu
	examples/systems/run.sh $(SYSTEMS)

footprint: ## Show what an empty store costs: time to start, memory, disk
	cargo build --release --bin quipu
	benches/footprint.sh

bench: ## Measure a server on this machine
	cargo run --release -- bench

bench-growth: ## Measure how costs grow with the log, up to 50 million events: 14 GB of disk, ten minutes
	cargo run --release -- bench-growth

deny: ## Check dependencies: licences, sources, duplicates
	cargo deny --workspace check bans licenses sources

proto-lint: ## Lint the protocol files
	$(BUF) lint

grpcurl: ## Run every grpcurl line of the README, as typed, against a fresh server
	cargo build --bin quipu
	BINARY=target/debug/quipu tests/readme_grpcurl.sh

umadb: $(UMADB)/python/ready ## Run UmaDB's public clients, unchanged, against a server
	cargo build --bin quipu
	cd tests/umadb && cargo fmt --check
	cd tests/umadb && CARGO_TARGET_DIR=../../$(UMADB) cargo test --locked --test $(if $(REFERENCE),script,'*')
	$(UMADB)/python/bin/python tests/umadb/script.py

$(UMADB)/python/ready: tests/umadb/requirements.txt
	python3 -m venv $(UMADB)/python
	$(UMADB)/python/bin/pip install --quiet --only-binary umadb --requirement tests/umadb/requirements.txt
	touch $@

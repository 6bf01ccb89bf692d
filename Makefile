# Chores. A Rust toolchain with rustfmt and clippy, and a C compiler, are enough for `make test`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Rounds of one fault campaign, its seed when it is to be repeated, and what the events lie in meanwhile.
ROUNDS ?= 200
SEED ?=
LOG ?= segments
# Names of the integration tests that `make test-sled` runs; all when empty.
SLED_TESTS ?=
# Events and queries of the long comparison of queries with a scan; `make test` does a tenth of it.
EVENTS ?= 1000000
QUERIES ?= 5000
# Events and streams of the long run of a consumer group; `make test` does a twentieth of it.
GROUP_EVENTS ?= 100000
GROUP_STREAMS ?= 10000
# Executions of a long run of all fuzz targets, and of the short one; TARGET names one of them alone.
RUNS ?= 100000000
SHORT_RUNS ?= 3000000
# Suites that need more than a Rust toolchain. `make test` runs those whose tool is there.
OPTIONAL ?= proto-lint deny grpcurl umadb umadb-build clients client-python client-typescript client-go conformance systems
# The clients whose conformance is shown.
LANGUAGES ?= rust python typescript go
# The build that campaigns run: release, or debug, which `make test` has made already.
PROFILE ?= release
PROOF := target/$(PROFILE)/proof
# Empty, or --where-possible: whether a campaign that this machine can not do ends well.
WHERE ?=
PROOF_FLAGS = --binary target/$(PROFILE)/quipu --log $(LOG) --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(WHERE)
# Seeds of the simulation, and how many of them a planted bug may survive.
SEEDS ?= 1000000
BUG_SEEDS ?= 20000
BUF := npx --yes @bufbuild/buf@1.75.0
# What `make bench-paths` asks of criterion: `--quick`, a part of a measurement's name, a baseline.
PATHS_FLAGS ?=
# Where UmaDB's clients are built and installed: what they depend on stays away from what we depend on.
UMADB := target/umadb
# Where the peers of the comparison and their clients are built and installed, and how it is run.
PEERS := target/peers
PEERS_FLAGS ?=

.PHONY: help build test check fmt clippy doc crash proof proof-short proof-build proof-simulate proof-bugs \
        proof-bugs-live proof-kill proof-power proof-calls proof-full proof-clients proof-mutate fuzz fuzz-build fuzz-short \
        test-sled select groups bench bench-growth bench-paths bench-instructions footprint deny proto-lint grpcurl umadb \
        clients client-python client-typescript client-go conformance systems bench-peers

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the release binary
	cargo build --release --bin quipu

test: check ## Run everything: style, lints, docs, all tests, short fault campaigns, and what tools allow
	cargo test --workspace
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

proof: ## Run every fault campaign at length, on both kinds of log where it can: hours
	$(MAKE) --no-print-directory proof-simulate
	$(MAKE) --no-print-directory proof-bugs-live
	@for log in segments sled; do \
	  $(MAKE) --no-print-directory proof-kill LOG=$$log ROUNDS=1000 && \
	  $(MAKE) --no-print-directory proof-power LOG=$$log ROUNDS=200 && \
	  $(MAKE) --no-print-directory proof-calls LOG=$$log ROUNDS=200 && \
	  $(MAKE) --no-print-directory proof-full LOG=$$log ROUNDS=100 && \
	  $(MAKE) --no-print-directory proof-mutate LOG=$$log ROUNDS=5000 || exit 1; \
	done
	$(MAKE) --no-print-directory proof-clients ROUNDS=20
	$(MAKE) --no-print-directory fuzz

proof-short: ## Run every fault campaign briefly, leaving out what this machine can not do: minutes
	$(MAKE) --no-print-directory proof-simulate PROFILE=debug SEEDS=10000
	$(MAKE) --no-print-directory proof-bugs PROFILE=debug BUG_SEEDS=3000
	$(MAKE) --no-print-directory proof-mutate PROFILE=debug ROUNDS=100
	$(MAKE) --no-print-directory proof-kill PROFILE=debug ROUNDS=10 WHERE=--where-possible
	$(MAKE) --no-print-directory proof-power PROFILE=debug ROUNDS=5 WHERE=--where-possible
	$(MAKE) --no-print-directory proof-calls PROFILE=debug ROUNDS=10 WHERE=--where-possible
	$(MAKE) --no-print-directory proof-full PROFILE=debug ROUNDS=2 WHERE=--where-possible
	$(MAKE) --no-print-directory proof-clients PROFILE=debug ROUNDS=1 WHERE=--where-possible
	$(MAKE) --no-print-directory proof-kill PROFILE=debug LOG=sled ROUNDS=5 WHERE=--where-possible

proof-simulate: proof-build ## Live SEEDS seeds of a simulated machine
	$(PROOF) simulate --seeds $(SEEDS) $(if $(SEED),--first $(SEED))

proof-bugs: ## Plant every bug on purpose, and find it within BUG_SEEDS seeds
	cargo run $(if $(filter release,$(PROFILE)),--release) --package quipu-proof --features seeded-bugs --bin proof -- \
	  bugs --seeds $(BUG_SEEDS)

proof-bugs-live: ## Plant every bug in a real server as well, and tell which campaigns find it
	cargo build --release --workspace --features quipu/seeded-bugs,quipu-proof/seeded-bugs --bin quipu --bin proof \
	  --target-dir target/seeded
	target/seeded/release/proof bugs --seeds $(BUG_SEEDS) --binary target/seeded/release/quipu

proof-kill proof-calls proof-full proof-clients proof-mutate: proof-%: proof-build ## Run one fault campaign for ROUNDS
	$(PROOF) $* $(PROOF_FLAGS)

proof-power: proof-build ## Cut the power of an ext4 and of an XFS file system ROUNDS times each
	$(PROOF) power --filesystem ext4 $(PROOF_FLAGS)
	$(PROOF) power --filesystem xfs $(PROOF_FLAGS)

proof-build:
	cargo build $(if $(filter release,$(PROFILE)),--release) --bin quipu
	cargo build $(if $(filter release,$(PROFILE)),--release) --package quipu-proof --bin proof

crash: proof-kill ## Kill and restart the server ROUNDS times under load: the same as proof-kill

test-sled: ## Run the integration tests of SLED_TESTS, or all, on servers whose log lies in sled
	QUIPU_TEST_LOG=sled cargo test --test it -- $(SLED_TESTS)

select: ## Compare QUERIES queries over EVENTS events with a scan over their labels
	QUIPU_SELECT_EVENTS=$(EVENTS) QUIPU_SELECT_QUERIES=$(QUERIES) cargo test --release --test select -- --nocapture

groups: ## Have members that come and go deal with GROUP_EVENTS events over GROUP_STREAMS streams
	QUIPU_GROUP_EVENTS=$(GROUP_EVENTS) QUIPU_GROUP_STREAMS=$(GROUP_STREAMS) \
	  cargo test --release --test groups -- --nocapture

fuzz: ## Fuzz all parsers with RUNS executions, or only TARGET; installs cargo-fuzz
	fuzz/run.sh $(RUNS) $(TARGET)

fuzz-build:
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 fuzz/run.sh 0

fuzz-short: ## Fuzz all parsers with SHORT_RUNS executions, in a build that is sooner there
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 fuzz/run.sh $(SHORT_RUNS)

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

bench-paths: ## Measure the library by path: append, guard, read, subscribe
	cargo bench --bench append_path --bench guard_path --bench read_path --bench subscribe_path -- $(PATHS_FLAGS)

bench-instructions: ## Count the instructions of the hot paths, and show what moved; installs valgrind
	command -v valgrind >/dev/null || { as=$$([ $$(id -u) = 0 ] || echo sudo); \
	  $$as apt-get update && $$as apt-get install --yes --no-install-recommends valgrind; }
	mkdir -p target
	{ rustc --version && valgrind --version && cargo bench --bench instructions; } >target/instructions.txt
	mv target/instructions.txt benches/instructions.txt
	git --no-pager diff --unified=0 -- benches/instructions.txt

bench-peers: ## Measure Quipu beside its peers: half an hour and installs before; PEERS_FLAGS=--short, five minutes
	cargo build --release --bin quipu
	benches/peers/install.sh
	cd benches/peers && cargo fmt --check
	PROTOC=$(CURDIR)/$(PEERS)/python/bin/protoc CARGO_TARGET_DIR=$(CURDIR)/$(PEERS)/build; \
	  export PROTOC CARGO_TARGET_DIR; cd benches/peers && \
	  cargo test --release --locked --quiet && cargo build --release --locked
	$(PEERS)/build/release/quipu-peers $(PEERS_FLAGS)

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

umadb-build:
	cd tests/umadb && CARGO_TARGET_DIR=../../$(UMADB) cargo test --locked --no-run

$(UMADB)/python/ready: tests/umadb/requirements.txt
	python3 -m venv $(UMADB)/python
	$(UMADB)/python/bin/pip install --quiet --only-binary umadb --requirement tests/umadb/requirements.txt
	touch $@

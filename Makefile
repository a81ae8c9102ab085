# Listening Together: `make` alone lists what it can do.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Settings of the demo: RATE, PUBSUB, GEOIP_CITY_DB and the others that `make demo-help` tells of. What is given on the
# command line reaches the demo as an environment variable.
.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## ---- Use ----

.PHONY: demo
demo: prerequisites ## Run everything on this machine: broker, pipeline, three replicas, the site, simulated listeners
	cargo build --locked --release --bin demo --bin pipeline --bin session-api
	@if [ -z "$${SITE_DIR-}" ] && scripts/prerequisites.sh node && $(MAKE) --no-print-directory site; then \
	  export SITE_DIR=website/dist; \
	fi; exec target/release/demo

.PHONY: demo-help
demo-help: prerequisites ## Tell of the demo's settings
	cargo run --locked --release --quiet --bin demo -- --help

.PHONY: site
site: website/node_modules/.package-lock.json ## Build the website to website/dist
	cd website && npm run build

website/node_modules/.package-lock.json: website/package-lock.json
	@scripts/prerequisites.sh node
	cd website && npm ci --no-fund --no-audit
	@touch $@

.PHONY: screenshots
screenshots: site ## Write pictures of the website to website/screenshots
	@scripts/prerequisites.sh browser
	cd website && npm run screenshots

## ---- Check ----

# Most of the time of most tests is waiting for services.
test: export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: test
test: prerequisites emulator python prometheus lint doc ## Everything that CI checks: lint, docs, unit, property and end-to-end tests
	cargo test --locked --workspace --no-fail-fast
	@$(MAKE) --no-print-directory test-site
	@$(MAKE) --no-print-directory test-deploy

.PHONY: test-site
test-site: programs site ## The website: lint, types, unit tests, and the page in a browser on a running demo
	@scripts/prerequisites.sh browser
	cd website && npm run lint && npm run typecheck && npm test && npm run e2e

.PHONY: test-deploy
test-deploy: programs deploy-tools site ## The chart, the infrastructure, and the images, which are built and started
	@scripts/prerequisites.sh deploy
	cd deploy/tests && PATH="$(CURDIR)/target/deploy/venv/bin:$$PATH" pytest

.PHONY: measure-site
measure-site: site ## What the website costs: bytes, frames a second, time to the first pair
	@scripts/prerequisites.sh browser
	cd website && npm run measure

.PHONY: measure-images
measure-images: programs deploy-tools site ## How large the images are that users get, and how soon they are ready; takes minutes
	@scripts/prerequisites.sh deploy
	scripts/programs.sh target/programs
	cd deploy/tests && PATH="$(CURDIR)/target/deploy/venv/bin:$$PATH" IMAGE_PROGRAMS="$(CURDIR)/target/programs" \
	  pytest test_images.py measure_images.py

.PHONY: test-unit
test-unit: prerequisites python ## Only the tests that need no broker
	cargo test --locked --workspace --lib --bins
	cargo test --locked -p pipeline -p session-api -p local-pubsub

.PHONY: lint
lint: prerequisites dependencies ## Format and lints, without a warning, and the dependencies
	cargo fmt --all --check
	rustfmt --check --edition 2024 fuzz/fuzz_targets/*.rs
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: dependencies
dependencies: prerequisites ## The dependencies: licences, sources, versions, unused ones, known vulnerabilities where a list can be had
	@scripts/prerequisites.sh lint
	@scripts/dependencies.sh

.PHONY: doc
# Of programs those whose page is not their library's too.
doc: prerequisites ## The API documentation, without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items --lib --examples \
	  --bin demo --bin make-demo-databases --bin publish-play --bin soak-sync

.PHONY: bench
bench: prerequisites ## Benchmarks
	cargo bench --locked --workspace --exclude endpoint-bench

# How many rounds of all servers are compared.
ROUNDS := 20

.PHONY: bench-api
bench-api: prerequisites ## The endpoint beside nginx and a bare server, and its promises; takes minutes (ROUNDS=20)
	@scripts/prerequisites.sh servers
	scripts/programs.sh target/programs session-api
	cargo bench --locked --profile dist -p endpoint-bench --bench endpoint -- \
	  --session-api $(CURDIR)/target/programs/session-api --rounds $(ROUNDS)

# How many plays everyone is given, and how often.
PLAYS := 5000000
bench-peers: ROUNDS := 3

.PHONY: bench-peers
bench-peers: prerequisites ## Windows beside Flink, Pathway, Beam, DuckDB and Polars; downloads 700 MB (PLAYS=5000000 ROUNDS=3)
	@scripts/prerequisites.sh peers
	cargo build --locked --profile dist -p peers-bench --example peers
	peers-bench/compare.py --plays $(PLAYS) --rounds $(ROUNDS)

# How long each fuzz target runs.
SECONDS := 600

.PHONY: fuzz
fuzz: prerequisites ## Look for messages that break something: SECONDS (600) for each target
	@scripts/prerequisites.sh fuzz
	@scripts/fuzz.sh $(SECONDS)

.PHONY: soak-sync
soak-sync: prerequisites ## Twelve replicas on a Pub/Sub that fails: do all answer alike? (SLOTS=600 of a second)
	cargo build --locked --release --bins
	@exec target/release/soak-sync

.PHONY: soak
soak: prerequisites ## Half an hour on a Pub/Sub that fails: is every play accounted for, is memory flat? (MINUTES=30 RATE=30000)
	cargo build --locked --release --bins
	cargo run --locked --release -p emulator-tests --example soak -- --minutes $${MINUTES:-30} --rate $${RATE:-30000}

# REGISTRY, TAG and BUILDER come from the environment or the command line; see deploy/images/build.sh.
.PHONY: images
images: ## Build the images of both services with docker, podman or buildah (REGISTRY=... TAG=...)
	@deploy/images/build.sh

.PHONY: sbom
sbom: prerequisites ## What the programs and the site are made of, as CycloneDX in target/sbom
	@scripts/prerequisites.sh sbom
	@scripts/sbom.sh

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	rustfmt --edition 2024 fuzz/fuzz_targets/*.rs

## ---- Prepare ----

# Tests enable features of dependencies, and with them of all that is built on these. Examples do so too: with them, here and
# in `doc`, what lint and tests have built is used, and not built a second time.
.PHONY: programs
programs: prerequisites ## Build the programs as the tests use them
	cargo build --locked --workspace --bins --examples

.PHONY: prerequisites
prerequisites: ## Install what building needs, as far as this can be done
	@scripts/prerequisites.sh build

.PHONY: emulator
emulator: ## Install Google's Pub/Sub emulator, as far as this can be done
	@scripts/prerequisites.sh emulator

.PHONY: python
python: ## Install what the tests need of Python, as far as this can be done
	@scripts/prerequisites.sh python

.PHONY: prometheus
prometheus: ## Install what the alerts are tested with, as far as this can be done
	@scripts/prerequisites.sh prometheus

.PHONY: deploy-tools
deploy-tools: target/deploy/venv/installed deploy/tests/node_modules/.package-lock.json ## Install what test-deploy needs, as far as this can be done

target/deploy/venv/installed: deploy/tests/requirements.txt
	@scripts/prerequisites.sh deploy
	python3 -m venv --clear target/deploy/venv
	target/deploy/venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

deploy/tests/node_modules/.package-lock.json: deploy/tests/package-lock.json
	@scripts/prerequisites.sh deploy
	cd deploy/tests && npm ci --no-fund --no-audit
	@touch $@

.PHONY: databases
databases: prerequisites ## Write the demo's MaxMind databases to target/demo
	cargo run --locked --release --bin make-demo-databases -- --out target/demo

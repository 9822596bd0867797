# Everything a person does with this repository; `make help` lists it. Every target installs what it needs first.
SWIFT := .ci/swift
BOOKSTORE := .build/release/bookstore
RUN_DIR ?= .run
ORDERS ?= 36000
BROKER ?= embedded
export RUN_DIR

.DEFAULT_GOAL := help
.PHONY: help setup build lint documents format test sanitize up down status demo logs watch drill soak soak-worker hostile bench bench-broker bench-worker clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install from Debian what is missing (root or sudo), find Swift
	@.ci/setup

# The Swift runtime is linked in, so that the binary runs where no toolchain is.
build: setup ## release build: .build/release/bookstore
	@BUILD_COMMIT=$$(git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null) \
		$(SWIFT) build -c release --static-swift-stdlib --product bookstore

lint: setup ## format, imports, banned calls; warnings are errors in every build
	@.ci/lint

documents: build ## the OpenAPI and AsyncAPI documents, checked by validators from PyPI
	@.ci/documents

format: setup ## format the sources in place
	@$(SWIFT) format --in-place --recursive Sources Tests Package.swift

test: setup ## all tests; on Apache Kafka too when KAFKA_HOME is set
	@.ci/test

sanitize: setup ## the tests under the address and the thread sanitizer, half an hour each; FILTER=WorkerTests for some
	@Tests/sanitize.sh

up: build ## start everything in the background, return when it is ready
	@$(BOOKSTORE) up --detach

# Without a build: what runs must be stoppable whatever the sources look like now.
down: setup ## stop everything; its state stays
	@if [ -x $(BOOKSTORE) ]; then $(BOOKSTORE) down; else echo "nothing was built here, so nothing runs"; fi

status: build ## what runs
	@$(BOOKSTORE) status

demo: build ## the walk-through of the scenario, step by step with a verdict
	@$(BOOKSTORE) demo

logs: ## follow the logs of all processes
	@tail -n 20 -F $(RUN_DIR)/logs/*.log

watch: build ## the events, as they happen
	@$(BOOKSTORE) watch

drill: build ## processes are killed under load; then a judge looks for what was lost or doubled; BROKER=kafka
	@$(BOOKSTORE) drill kill --orders 1200 --broker $(BROKER)

soak: build ## the same for long: `make soak ORDERS=100000 BROKER=kafka`
	@$(BOOKSTORE) drill kill --orders $(ORDERS) --broker $(BROKER) --report soak.txt

soak-worker: setup ## workers and brokers of the counter service killed under 20,000 requests; a long simulation
	@$(SWIFT) build --build-tests
	@SOAK=1 SIM_SEEDS=$(or $(SEEDS),50) $(SWIFT) test --skip-build --no-parallel --filter 'ChaosTests|MembershipTests|SimulationTests'

hostile: setup ## schemathesis (from PyPI) against the served OpenAPI document, a minute; then wrong requests: REQUESTS=1000000
	@$(SWIFT) build --product bookstore
	@REQUESTS=$(or $(REQUESTS),5000) Tests/Hostile/schemathesis.sh

bench: build ## the whole system as ratios to floors of the same run; wants a quiet machine
	@python3 Tests/Bench/bench.py

bench-broker: build ## the embedded broker against Apache Kafka (KAFKA_HOME): a table of ratios
	@Tests/Bench/broker.sh

bench-worker: build ## the counter service against its floor in C: a table of ratios (KAFKA_HOME adds Apache Kafka)
	@$(SWIFT) build -c release --static-swift-stdlib --product counter
	@$(SWIFT) build -c release --static-swift-stdlib --product counter-bench
	@python3 Tests/Bench/worker.py

clean: ## forget builds; `make down` first; the data (RUN_DIR, else .run) stay
	@rm -rf .build

include Tests/Deploy/deploy.mk

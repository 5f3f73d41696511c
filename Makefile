# What a newcomer runs: `make demo`, `make test`. Engines and tools are installed by name, pinned, into .engines and .bin.
.DEFAULT_GOAL := help
.PHONY: help build demo chaos chaos-sabotage test test-race fuzz bench bench-sink test-kafka lint fmt docs vulncheck tools engines engines-kafka clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## doustream and sandbox, into .bin
	CGO_ENABLED=0 go build -trimpath -o .bin/ ./cmd/...

demo: engines build ## the whole system on this machine, with traffic, for a minute
	.bin/sandbox demo

chaos: engines engines-kafka build ## faults against an oracle, on both Kafkas: a quarter of an hour
	.bin/sandbox chaos --faults 200 --events 20000 --seed $(or $(SEED),1)
	.bin/sandbox chaos --kafka apache --faults 30 --events 6000 --seed $(or $(SEED),1)
	.bin/sandbox chaos --credits enforce --faults 40 --events 2500 --seed $(or $(SEED),1)

chaos-sabotage: engines engines-kafka ## whether chaos finds each bug that is planted in the program, one after another, two on Apache Kafka
	DOUSTREAM_TEST_SABOTAGE=1 go test -count=1 -timeout 30m -v -run TestChaosFindsPlantedBugs ./cmd/sandbox

test: engines ## all tests
	go test -shuffle=on -timeout 15m ./...

test-race: engines ## all tests, watched for data races
	CGO_ENABLED=1 go test -race -short -timeout 25m ./...

FUZZTIME ?= 30s
fuzz: ## every fuzz test of the bytes that others write, FUZZTIME each
	@for f in $$(go test -list '^Fuzz' ./schemas | grep ^Fuzz); do go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./schemas || exit 1; done

bench: engines ## the benchmarks, each beside its bare ceiling; SWEEP=all: every cell of the sweep, PASSES=3: smaller errors; SESSIONS=, EVENTS=10000000: restore, backlog
	DOUSTREAM_BENCH_SWEEP=$(SWEEP) DOUSTREAM_BENCH_PASSES=$(PASSES) DOUSTREAM_BENCH_SESSIONS=$(SESSIONS) DOUSTREAM_BENCH_EVENTS=$(EVENTS) go test -p 1 -run '^$$' -bench . -benchmem -timeout 90m ./...

ROWS ?= 3000000
bench-sink: engines engines-kafka ## the sink at full size: ROWS (3 M) records on both Kafkas, block sizes swept, ClickHouse's Kafka engine
	DOUSTREAM_BENCH_SINK=$(ROWS) go test -run '^$$' -bench 'Backlog|Trickle' -benchtime 1x -timeout 90m ./sinks

test-kafka: engines engines-kafka ## the end-to-end test against a real Apache Kafka broker
	DOUSTREAM_TEST_KAFKA=1 go test -count=1 -timeout 15m -run 'Apache|EndToEnd' ./platform/embedded ./cmd/...

lint: tools ## the linters, and whether everything is formatted
	.bin/golangci-lint run ./...

fmt: tools ## format everything
	.bin/gofumpt -w cmd platform processors schemas sinks

docs: ## what is made from the code: the reference of environment variables
	go generate ./cmd/doustream/...

vulncheck: ## known vulnerabilities in what is imported; needs the public database, so CI does not ask
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

# Tools are pinned, and named for their version: another version is another stamp.
GOLANGCI := v2.15.0
GOFUMPT  := v0.12.0
TOOLS    := .bin/golangci-lint-$(GOLANGCI).installed .bin/gofumpt-$(GOFUMPT).installed

tools: $(TOOLS)

.bin/golangci-lint-%.installed:
	GOBIN=$(CURDIR)/.bin GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$*
	@touch $@

.bin/gofumpt-%.installed:
	GOBIN=$(CURDIR)/.bin GOFLAGS= go install mvdan.cc/gofumpt@$*
	@touch $@

clean: ## what a build or a run leaves behind; the engines stay
	rm -rf .bin .run

# A stamp is named for the version, so that a checkout's new file times install nothing again.
ENGINES := .engines
CHDB    := $(ENGINES)/chdb-$(shell sed -n 's/.*lib-linux-x64-gnu": "\(.*\)"/\1/p' deploy/engines/package.json).installed
KAFKA   := $(ENGINES)/kafka-$(shell sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' deploy/engines/pom.xml).installed

engines: $(CHDB) ## ClickHouse's engine (libchdb, from npm)

engines-kafka: $(KAFKA) ## Apache Kafka (jars, from Maven; installs Java and Maven where they are missing)

$(CHDB):
	@deploy/engines/install-chdb $(ENGINES)
	@touch $@

$(KAFKA):
	@deploy/engines/install-kafka $(ENGINES)
	@touch $@

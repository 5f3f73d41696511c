# What a newcomer runs: `make demo`, `make test`. Engines are installed by package name, pinned, into .engines.
.DEFAULT_GOAL := help
.PHONY: help test engines engines-kafka

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: engines ## all tests
	go test ./...

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

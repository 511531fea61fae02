# Every target installs what it needs (Debian 12 with Swift 6.3; `scripts/setup.sh` lists the packages).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export SWIFT_BACKTRACE := enable=no

.PHONY: demo test agent-check conformance unit lint fuzz bench image chart-check compose-check clean

demo: ## the main job, end to end, on a machine with nothing running
	scripts/setup.sh
	scripts/build.sh programs
	scripts/demo.sh

test: ## everything that has to pass
	scripts/setup.sh
	scripts/test.sh

unit: ## the Swift tests alone: make unit FILTER=JOSETests
	scripts/build.sh tests
	scripts/unit.sh $(if $(FILTER),--filter $(FILTER),)

agent-check: ## the agent alone: all its tests, with skopeo, swtpm, cryptsetup and user-mode Linux (part of make test)
	scripts/setup.sh
	scripts/build.sh tests
	scripts/agent-check.sh

conformance: ## the Kubernetes API suite: make conformance KUBECONFIG=~/.kube/config (without: the repository's own server)
	scripts/setup.sh
	scripts/build.sh tests
	# Given on the command line only: the cluster that a shell happens to point to is not there to be tested on.
	scripts/conformance.sh $(if $(filter command,$(origin KUBECONFIG)),$(KUBECONFIG))

lint: ## format and house rules
	scripts/lint.sh

fuzz: ## libFuzzer over the parsers: make fuzz SECONDS_EACH=300 [TARGETS="json cel"]
	scripts/setup.sh
	scripts/fuzz.sh $(or $(SECONDS_EACH),60) $(TARGETS)

bench: ## figures for one core of the broker, in a release build
	scripts/setup.sh
	scripts/build.sh release
	scripts/bench.sh

image: ## container images with podman or buildah; as root each is run, too, on a read-only file system
	scripts/setup.sh
	scripts/build.sh release
	scripts/image.sh
	if [ "$$(id -u)" -eq 0 ]; then scripts/image-check.sh; fi

chart-check: ## charts, schemas, alerts, dashboard, container files, and every command of the pages on installing, with tools that are not ours
	scripts/setup.sh
	scripts/build.sh programs
	scripts/schema-check.sh
	scripts/chart.sh

compose-check: ## docker-compose.yml brought up with podman and torn down; as root, about two minutes after the build
	scripts/setup.sh
	scripts/build.sh programs
	scripts/compose-check.sh

clean:
	rm -rf .build .build-* .cache dist

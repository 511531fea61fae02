#!/usr/bin/env bash
# Prints what one core does: the release-built broker on a private PostgreSQL, policies and verifiers by themselves, and
# the agent in front of a broker. Last, how soon a policy of a cluster decides.
set -euo pipefail
cd "$(dirname "$0")/.."
.build-release/release/claviger-bench broker --seconds "${BENCH_SECONDS:-5}" "$@"
.build-release/release/claviger-bench policy --seconds "${BENCH_SECONDS:-5}"
.build-release/release/claviger-bench evidence --seconds "${BENCH_SECONDS:-5}"
.build-release/release/claviger-bench agent --seconds "${BENCH_SECONDS:-5}"
.build-release/release/claviger-bench controller

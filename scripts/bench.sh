#!/usr/bin/env bash
# Prints what one core does: the release-built broker on a private PostgreSQL, and policies and verifiers by themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
.build-release/release/claviger-bench broker --seconds "${BENCH_SECONDS:-5}" "$@"
.build-release/release/claviger-bench policy --seconds "${BENCH_SECONDS:-5}"
.build-release/release/claviger-bench evidence --seconds "${BENCH_SECONDS:-5}"

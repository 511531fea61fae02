#!/usr/bin/env bash
# Prints what one core of the release-built broker does, on a private PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .build-release/release/claviger-bench --seconds "${BENCH_SECONDS:-5}" "$@"

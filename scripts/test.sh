#!/usr/bin/env bash
# All that has to pass: house rules, build, Swift tests, schemas and chart, a short fuzz run, and the demo.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/lint.sh
scripts/build.sh tests
# Fetched once, before tests that run side by side ask for them.
scripts/skopeo.sh --path >/dev/null
scripts/skopeo.sh --older >/dev/null || echo "test: the older skopeo cannot be had here; its half of the matrix is skipped" >&2
scripts/unit.sh --skip MutationTests
# Two that want a processor each: every changed byte of all evidence, and encrypted volumes in a kernel of their own.
scripts/volume-check.sh &
volumes=$!
mutants=0
nice -n 10 scripts/unit.sh --filter MutationTests || mutants=$?
wait "$volumes"
[ "$mutants" -eq 0 ] || exit "$mutants"
scripts/schema-check.sh
scripts/chart.sh
scripts/fuzz.sh "${CLAVIGER_FUZZ_SECONDS:-5}"
scripts/demo.sh
echo "test: everything passed"

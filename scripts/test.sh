#!/usr/bin/env bash
# All that has to pass: house rules, build, Swift tests, schemas and chart, and the demo. With CLAVIGER_FUZZ_SECONDS libFuzzer
# runs for so long on each parser, too: its build of all of them takes minutes that the time for the rest has not left.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/lint.sh
scripts/build.sh tests
# Fetched once, before tests that run side by side ask for them.
scripts/skopeo.sh --path >/dev/null
scripts/skopeo.sh --older >/dev/null || echo "test: the older skopeo cannot be had here; its half of the matrix is skipped" >&2
scripts/kubectl.sh --path >/dev/null
for helm in 3 4; do scripts/helm.sh $helm version >/dev/null; done
scripts/unit.sh --skip MutationTests
# Encrypted volumes have a kernel of their own, which takes one processor for minutes; what follows makes do with the other.
volumes=$(mktemp)
trap 'rm -f "$volumes"' EXIT
setsid scripts/volume-check.sh >"$volumes" 2>&1 &
volume_check=$!
# What fails first must not leave the other behind.
checked() { "$@" || { kill -- "-$volume_check" 2>/dev/null; exit 1; }; }
checked nice -n 10 scripts/unit.sh --filter MutationTests
checked scripts/schema-check.sh
checked scripts/chart.sh
wait "$volume_check" || { cat "$volumes" >&2; exit 1; }
cat "$volumes"
[ -z "${CLAVIGER_FUZZ_SECONDS:-}" ] || scripts/fuzz.sh "$CLAVIGER_FUZZ_SECONDS"
scripts/demo.sh
echo "test: everything passed"

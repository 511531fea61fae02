#!/usr/bin/env bash
# Runs the Swift tests that `scripts/build.sh tests` built; fails when no test ran. What failed is said last.
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no

log=$(mktemp)
trap 'rm -f "$log"' EXIT
lean=()
[ -n "${CLAVIGER_DEBUG_INFO:-}" ] || lean=(-Xswiftc -gnone -Xcc -g0 -Xcxx -g0)
started=$SECONDS
status=0
# Of thousands of tests a few at a time: each then has its share of the machine, and its time limit counts its own time.
# The lock of the build folder is not taken, as nothing is built and some tests run beside others.
swift test --skip-build --ignore-lock "${lean[@]}" \
    --experimental-maximum-parallelization-width "${CLAVIGER_TEST_WIDTH:-16}" "$@" >"$log" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
    echo "unit: the last lines before the end with status $status" >&2
    grep -vE '^. (Test|Suite) .* (started|passed)' "$log" | tail -n 15 >&2
    echo "unit: tests that began and did not end" >&2
    comm -23 <(sed -nE 's/^. Test (".*"|[^ ]+\(\)) started\.$/\1/p' "$log" | sort) \
        <(sed -nE 's/^. Test (".*"|[^ ]+\(\)) .*(passed|failed|skipped).*/\1/p' "$log" | sort) | head -n 20 >&2
    echo "unit: what failed" >&2
    grep -E '^✘|^↳|Fatal error|unexpected signal' "$log" | cut -c 1-600 | tail -n 40 >&2
    exit "$status"
fi
grep -E '^. (Test|Suite) .* skipped: ' "$log" || true
ran=$(sed -nE 's/.*Test run with ([0-9]+) tests?.* passed.*/\1/p' "$log" | tail -n 1)
if [ -z "$ran" ] || [ "$ran" -eq 0 ]; then
    echo "unit: no test ran" >&2
    exit 1
fi
grep -E 'Test run with [0-9]+ tests' "$log"
echo "unit: $ran tests in $((SECONDS - started)) s"

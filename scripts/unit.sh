#!/usr/bin/env bash
# Runs the Swift tests that `scripts/build.sh tests` built; fails when no test ran.
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no

log=$(mktemp)
trap 'rm -f "$log"' EXIT
lean=()
[ -n "${CLAVIGER_DEBUG_INFO:-}" ] || lean=(-Xswiftc -gnone -Xcc -g0 -Xcxx -g0)
started=$SECONDS
status=0
# The full log is kept; the terminal shows what failed, and the last line.
swift test --skip-build "${lean[@]}" "$@" >"$log" 2>&1 || status=$?
grep -vE '^. (Test|Suite) .* (started|passed)|^. Test run started|^↳|^\[|^Test Suite|Executed 0 tests' "$log" || true
[ "$status" -eq 0 ] || exit "$status"
ran=$(sed -nE 's/.*Test run with ([0-9]+) tests?.* passed.*/\1/p' "$log" | tail -n 1)
if [ -z "$ran" ] || [ "$ran" -eq 0 ]; then
    echo "unit: no test ran" >&2
    exit 1
fi
grep -E 'Test run with [0-9]+ tests' "$log"
echo "unit: $ran tests in $((SECONDS - started)) s"

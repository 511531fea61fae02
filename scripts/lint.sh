#!/usr/bin/env bash
# Format and the house rules that a machine can check.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

swift format lint --strict --parallel --recursive --configuration .swift-format Package.swift $(ls -d Sources/* Tests/* Fuzz/Sources Fuzz/Package.swift 2>/dev/null | grep -v -E '/C[A-Z][A-Za-z]+$') || failed=1

complain() { # complain "sentence" < matching lines
    local lines
    lines=$(cat)
    [ -z "$lines" ] && return
    printf '%s\n%s\n' "$1" "$lines" >&2
    failed=1
}

swift_sources=$(git ls-files --cached --others --exclude-standard 'Sources/*.swift' | grep -v '/Generated/')

awk 'FNR == 1 { lines[FILENAME] = 0 } { lines[FILENAME]++ } END { for (f in lines) if (lines[f] > 420) print "  " lines[f] " lines: " f }' $swift_sources |
    complain "files that are too long:"
grep -nE '\btry!|\bas!|fatalError\(|preconditionFailure\(' $swift_sources | complain "a crash that input could reach:"
# A silenced proof needs its reason in a comment on the lines above it.
awk '/@unchecked Sendable|nonisolated\(unsafe\)/ && $0 !~ /^[[:space:]]*\/\// && window !~ /\/\// { print "  " FILENAME ":" FNR ": " $0 }
     { window = previous2 previous1 $0; previous2 = previous1; previous1 = $0 }' $swift_sources |
    complain "Sendable silenced without a reason:"
grep -nE '^import Foundation$' $swift_sources | complain "Foundation brings ICU into the binaries; FoundationEssentials does not:"
if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh || failed=1; fi
exit "$failed"

#!/usr/bin/env bash
# Format and the house rules that a machine can check.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

mapfile -t all < <(git ls-files --cached --others --exclude-standard '*.swift')
mapfile -t sources < <(printf '%s\n' "${all[@]}" | grep '^Sources/' | grep -v '/Generated/')
mapfile -t formatted < <(printf '%s\n' "${all[@]}" | grep -v '/Generated/')

swift format lint --strict --parallel --configuration .swift-format "${formatted[@]}" || failed=1

complain() { # complain "sentence" < matching lines
    local lines
    lines=$(cat)
    [ -z "$lines" ] && return
    printf '%s\n%s\n' "$1" "$lines" >&2
    failed=1
}

# Each complaint runs in this shell, not behind a pipe, so that it counts.
complain "files that are too long:" < <(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 420 { print "  " $1 " lines: " $2 }')
complain "a crash that input could reach:" < <(grep -nE '\btry!|\bas!|fatalError\(|preconditionFailure\(' "${sources[@]}" || true)
# A silenced proof needs its reason in a comment on the lines above it.
complain "Sendable silenced without a reason:" < <(awk '
    FNR == 1 { window = "" }
    /@unchecked Sendable|nonisolated\(unsafe\)/ && !/^[[:space:]]*\/\// && window !~ /\/\// { print "  " FILENAME ":" FNR ": " $0 }
    { window = before2 before1 $0; before2 = before1; before1 = $0 }' "${sources[@]}")
complain "made-up evidence in what is released:" < <(grep -nE '^(public |package )?import (EvidenceSimulator|X509TestSupport)$' "${sources[@]}" | grep -v '^Sources/claviger-bench/' || true)
complain "Foundation brings ICU into the binaries; FoundationEssentials does not:" < <(grep -nE '^(public )?import Foundation$' "${sources[@]}" || true)
if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh || failed=1; fi
exit "$failed"

#!/usr/bin/env bash
# Runs libFuzzer over the parsers: scripts/fuzz.sh SECONDS_EACH [TARGET...]. The corpora stay in Fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no CLAVIGER_FUZZ=1

seconds=${1:-60}
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(
    json jwk jwe jws cel regex policy bundle path auth attest initdata sealed certificate crl
    snpreport snpevidence snptable snpcertificate intelquote pckextension tcbinfo qeidentity
    eventlog tpmquote tpmkey tpmevidence hclreport tpmanswer guestlog luks agentfile
    ovmf eif uki seheader idblock
    cbor cose ccatoken corim nitro seimage seevidence
    signedmanifest
    sevcertificate sevrequest sevevidence
    svsmmanifest svsmevidence dcuevidence devicetree pefevidence
    spdm nvidiaevidence rim c14n)

swift build --scratch-path .build-fuzz --product fuzz -Xswiftc -gnone -Xcc -g0 -Xcxx -g0
fuzz() {
    local target=$1 corpus=Fuzz/corpus/$1 seeds=() log
    mkdir -p "$corpus"
    [ -d "Fuzz/Seeds/$target" ] && seeds=("Fuzz/Seeds/$target")
    log=$(mktemp)
    # A single input may take 5 s and the process 1 GiB: beyond that a parser is not bounded.
    if ! FUZZ_TARGET=$target .build-fuzz/debug/fuzz "$corpus" "${seeds[@]}" -max_total_time="$seconds" -timeout=5 \
        -rss_limit_mb=1024 -max_len=65536 -artifact_prefix=Fuzz/crash-"$target"- >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        echo "fuzz: $target failed" >&2
        return 1
    fi
    echo "fuzz: $target $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" || echo 'did not finish')s"
    rm -f "$log"
}
export -f fuzz
export seconds
# One on each processor; what fails ends with 255, after which xargs starts no further one.
# shellcheck disable=SC2016
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'fuzz "$1" || exit 255' fuzz '{}'

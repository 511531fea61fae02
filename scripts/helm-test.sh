#!/usr/bin/env bash
# Runs what the pods of `helm test` run, by the programs themselves and against a broker: everything passes while policies release
# nothing, and the last one fails once they release everything.
#
# The programs are taken from .build/debug, or from the folder that BIN names.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-.build/debug}
work=$(mktemp -d /tmp/claviger-helm-test-XXXXXX)
# The database runs as another user when root starts it, and has to pass through.
chmod 711 "$work"
mkdir -m 711 "$work/tmp"
export TMPDIR=$work/tmp
unset CLAVIGER_URL CLAVIGER_CA CLAVIGER_TOKEN_FILE CLAVIGER_HOME
dev=''
trap '[[ -z $dev ]] || { kill -TERM "$dev"; wait "$dev" || true; }; rm -rf "$work"' EXIT

fail() {
    echo "helm-test: $*" >&2
    exit 1
}

setpriv --pdeathsig TERM -- "$bin/claviger" dev --ephemeral --port 0 --ready-file "$work/ready" >"$work/dev.log" 2>&1 &
dev=$!
for _ in $(seq 600); do
    [[ -s $work/ready ]] && break
    kill -0 "$dev" 2>/dev/null || fail "the broker does not start: $(<"$work/dev.log")"
    sleep 0.1
done
[[ -s $work/ready ]] || fail "the broker is not ready after a minute"

scripts/helm.sh 4 template demo Charts/claviger --namespace keys --kube-version 1.36.0 \
    --values Charts/claviger/ci/development-values.yaml --show-only templates/tests.yaml >"$work/tests.yaml"
# run NUMBER: the container of that number, in the order in which they run; without a number, prints how many there are.
run() { scripts/python.sh scripts/run-test-pods.py "$work/tests.yaml" "$bin" "$work/ready" "$@"; }

count=$(run)
[[ $count -ge 4 ]] || fail "there are only $count containers"
for ((number = 0; number < count; number++)); do
    run $number >"$work/log" 2>&1 || fail "$(<"$work/log")"
done

setting() { scripts/python.sh -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/ready" "$1"; }
CLAVIGER_URL=$(setting url) CLAVIGER_CA=$(setting caFile) CLAVIGER_TOKEN_FILE=$(setting tokenFile)
export CLAVIGER_URL CLAVIGER_CA CLAVIGER_TOKEN_FILE
echo value | "$bin/claviger" resource put default/helm-test/denied >/dev/null 2>&1
"$bin/claviger" policy apply -f Policies/allow-attested.yaml >/dev/null
unset CLAVIGER_URL CLAVIGER_CA CLAVIGER_TOKEN_FILE
if run $((count - 1)) >"$work/log" 2>&1; then fail "the tests do not see a broker that gives out everything"; fi
grep -q 'should be denied' "$work/log" || fail "the last test fails for another reason: $(<"$work/log")"
echo "helm-test: $count containers of test pods did what they should"

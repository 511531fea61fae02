#!/usr/bin/env bash
# The main job, end to end, on a machine with nothing running: an attested agent gets its image key, a denied one is
# told why. Ends with status 0 only if everything was checked.
#
# The programs are taken from .build/debug, or from the folder that BIN names. Everything that is written lies in one
# temporary folder, which is removed at the end; KEEP=1 keeps it.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
bin=${BIN:-$checkout/.build/debug}
export SWIFT_BACKTRACE=enable=no
work=$(mktemp -d /tmp/claviger-demo-XXXXXX)
# The database runs as another user when root starts it, and has to pass through.
chmod 711 "$work"
mkdir -m 711 "$work/tmp"
export TMPDIR=$work/tmp
unset CLAVIGER_URL CLAVIGER_CA CLAVIGER_TOKEN_FILE CLAVIGER_HOME OCICRYPT_KEYPROVIDER_CONFIG

dev=''
agent=''
# What runs in the background ends with this script, also when it is killed.
with_us=(setpriv --pdeathsig TERM --)

headline() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }

# Indents what comes in, so that the steps stand out.
quote() { sed 's/^/   | /'; }

fail() {
    printf '\ndemo: FAILED: %s\n' "$*" >&2
    for log in dev agent; do
        [[ -s $work/$log.log ]] && { printf -- '-- the last lines of %s:\n' "$log" && tail -n 15 "$work/$log.log"; } >&2
    done
    exit 1
}

# Ends a child of ours and gives its exit status; a child that does not end is killed, which is a failure.
stop() {
    local name=$1 pid=$2 status=0
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 "$pid" 2>/dev/null; then
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null || true
        fail "$name did not end within 20 seconds of SIGTERM"
    fi
    wait "$pid" || status=$?
    [[ $status -eq 0 || $status -eq 143 ]] || fail "$name ended with status $status"
}

clean_up() {
    local status=$? pid
    trap - EXIT
    for pid in $agent $dev; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [[ ${KEEP:-0} = 1 ]]; then
        echo "demo: everything is kept in $work" >&2
    else
        rm -rf "$work"
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# await NAME PID COMMAND…: waits until the command succeeds, and fails when the process ends before.
await() {
    local name=$1 pid=$2
    shift 2
    for _ in $(seq 600); do
        "$@" && return
        kill -0 "$pid" 2>/dev/null || fail "$name ended before it was ready"
        sleep 0.1
    done
    fail "$name was not ready within a minute"
}

member() { sed -n "s/^ *\"$1\" *: *\"\([^\"]*\)\",\{0,1\}\$/\1/p" "$work/ready.json"; }

# The layers' digests of an image in a layout, one per line, lowest first.
layers() {
    "$skopeo" inspect --format '{{range .Layers}}{{println .}}{{end}}' "$1" | sed '/^$/d'
}

skopeo_copy() { "$skopeo" --insecure-policy copy --quiet "$@"; }

for program in claviger attestation-agent; do
    [[ -x $bin/$program ]] || fail "$bin/$program is missing: build first (swift build), or set BIN"
done
claviger=$bin/claviger
skopeo=$("$checkout/scripts/skopeo.sh" --path)
busybox=$("$checkout/scripts/skopeo.sh" --busybox)

headline "1. A private PostgreSQL and the broker start"
"${with_us[@]}" "$claviger" dev --ephemeral --port 0 --ready-file "$work/ready.json" >"$work/dev.log" 2>&1 &
dev=$!
await "claviger dev" "$dev" test -s "$work/ready.json"
url=$(member url)
ca=$(member caFile)
token=$(member tokenFile)
CLAVIGER_HOME=$(member home)
export CLAVIGER_HOME
[[ -n $url && -s $ca && -s $token && -d $CLAVIGER_HOME ]] || fail "claviger dev did not say how to reach it"
say "broker at $url, $("$claviger" version)"
# Kept for the end: what must be gone then.
postgres=$(pgrep -f -- "$CLAVIGER_HOME" | grep -vx "$dev" || true)
[[ -n $postgres ]] || fail "no PostgreSQL runs in $CLAVIGER_HOME"
say "PostgreSQL on a Unix socket, as user $(ps -o user= -p "${postgres%%$'\n'*}")"

"$claviger" policy apply -f "$checkout/Policies/sample-reference-values.yaml" | quote
cat >"$work/image-keys.yaml" <<'POLICY'
apiVersion: claviger.dev/v1alpha1
kind: ReleasePolicy
metadata:
  name: image-keys
  namespace: demo
spec:
  match:
    resources: ["demo/image-key/*"]
    operations: ["get"]
  require:
    tees: ["sample"]
    trust: {hardware: affirming, executables: affirming, configuration: affirming}
POLICY
"$claviger" policy lint "$work/image-keys.yaml" | quote
"$claviger" policy apply -f "$work/image-keys.yaml" | quote

"${with_us[@]}" "$bin/attestation-agent" --kbs-url "$url" --kbs-cert "$ca" --allow-sample --rest none \
    --keyprovider "unix:$work/keyprovider.sock" --keyprovider-admin-token-file "$token" \
    --keyprovider-scope demo/image-key >"$work/agent.log" 2>&1 &
agent=$!
await "attestation-agent" "$agent" test -S "$work/keyprovider.sock"
say "attestation-agent serves the image-key provider on a Unix socket"

headline "2. An image made on the spot is encrypted by skopeo, its key goes to the broker"
mkdir -p "$work/layer1/bin" "$work/layer2/etc"
cp "$busybox" "$work/layer1/bin/busybox"
ln -s busybox "$work/layer1/bin/sh"
date >"$work/layer2/etc/made-on-the-spot"
for layer in layer1 layer2; do
    tar -C "$work/$layer" --owner=0 --group=0 -cf "$work/$layer.tar" .
done
skopeo_copy "tarball:$work/layer1.tar:$work/layer2.tar" "oci:$work/plain:demo"
layers "oci:$work/plain:demo" >"$work/plain.layers"
[[ $(wc -l <"$work/plain.layers") -eq 2 ]] || fail "the image does not have two layers"
say "oci:plain:demo, from $busybox ($(stat -c %s "$busybox") bytes), layers:"
quote <"$work/plain.layers"

printf '{"key-providers":{"attestation-agent":{"grpc":"unix://%s"}}}\n' "$work/keyprovider.sock" >"$work/ocicrypt.json"
export OCICRYPT_KEYPROVIDER_CONFIG=$work/ocicrypt.json
skopeo_copy --encryption-key "provider:attestation-agent:keyid=kbs:///demo/image-key/1" \
    "oci:$work/plain:demo" "oci:$work/encrypted:demo"
"$claviger" image inspect "oci:$work/encrypted:demo" | quote
[[ $("$claviger" image inspect -o json "oci:$work/encrypted:demo" | grep -c '"kbs:///demo/image-key/1"') -eq 2 ]] ||
    fail "not every layer is encrypted for kbs:///demo/image-key/1"
layers "oci:$work/encrypted:demo" >"$work/encrypted.layers"
if grep -qxFf "$work/plain.layers" "$work/encrypted.layers"; then fail "a layer was not encrypted"; fi
"$claviger" resource list demo/ | quote
[[ $("$claviger" resource list demo/ -o json | grep -c '"demo/image-key/1"') -eq 1 ]] || fail "the broker does not have the key"

headline "3. skopeo decrypts it through the agent: attestation, policy, release, unwrap"
skopeo_copy --decryption-key provider:attestation-agent:any "oci:$work/encrypted:demo" "oci:$work/decrypted:demo"
layers "oci:$work/decrypted:demo" >"$work/decrypted.layers"
cmp "$work/plain.layers" "$work/decrypted.layers" || fail "the decrypted layers are not the original ones"
cmp <("$skopeo" inspect --config --raw "oci:$work/plain:demo") <("$skopeo" inspect --config --raw "oci:$work/decrypted:demo") ||
    fail "the decrypted image has another config"
blob=$work/decrypted/blobs/sha256/$(sed -n '1s/sha256://p' "$work/decrypted.layers")
tar -xOf "$blob" ./bin/busybox | cmp - "$busybox" || fail "the program in the decrypted image is not the original one"
say "every layer digest equals the original:"
quote <"$work/decrypted.layers"
"$claviger" decisions list --limit 3 | quote

headline "4. A policy that needs another measurement is applied: the same command fails, and the reason is told"
measurement=$(printf 'another measurement' | sha384sum | cut -d' ' -f1)
cat "$work/image-keys.yaml" - >"$work/stricter.yaml" <<POLICY
  validations:
    - expression: "claims.sample.launch_digest == '$measurement'"
      message: "only the measured release image gets this key"
POLICY
"$claviger" policy apply -f "$work/stricter.yaml" | quote
if skopeo_copy --decryption-key provider:attestation-agent:any "oci:$work/encrypted:demo" "oci:$work/denied:demo" \
    >"$work/denied.log" 2>&1; then
    fail "the image was decrypted although the policy denies its key"
fi
quote <"$work/denied.log"
decision=$(sed -n 's/.*claviger explain \([A-Za-z0-9_-]*\).*/\1/p' "$work/denied.log" | head -n 1)
[[ -n $decision ]] || decision=$(sed -n 's/.*decision: \([A-Za-z0-9_-]*\).*/\1/p' "$work/denied.log" | head -n 1)
[[ -n $decision ]] || fail "the refusal names no decision"
if grep -q "$measurement" "$work/denied.log"; then fail "the guest was told what the policy requires"; fi
say "\$ claviger explain $decision"
"$claviger" explain "$decision" >"$work/explanation"
quote <"$work/explanation"
for words in 'ReleasePolicy/demo/image-keys' 'launch_digest' "$measurement" 'abcde' \
    'only the measured release image gets this key'; do
    grep -qF -- "$words" "$work/explanation" || fail "the explanation does not mention: $words"
done

headline "5. Everything stops and leaves nothing behind"
stop attestation-agent "$agent"
agent_pid=$agent agent=''
stop "claviger dev" "$dev"
dev_pid=$dev dev=''
for pid in $agent_pid $dev_pid $postgres; do
    if kill -0 "$pid" 2>/dev/null; then fail "process $pid still runs"; fi
done
if pgrep -f -- "$CLAVIGER_HOME" >/dev/null; then fail "a process of $CLAVIGER_HOME still runs"; fi
[[ ! -e $CLAVIGER_HOME ]] || fail "$CLAVIGER_HOME is left"
[[ ! -e $work/ready.json ]] || fail "the ready file is left"
[[ ! -e $work/keyprovider.sock ]] || fail "the key provider's socket is left"
left=$(find "$work/tmp" -mindepth 1 | head -n 5)
[[ -z $left ]] || fail "temporary files are left: $left"
if (exec 3<>"/dev/tcp/127.0.0.1/${url##*:}") 2>/dev/null; then fail "something still listens at $url"; fi
say "no process, no socket, no file is left"

printf '\ndemo: everything was checked\n'

#!/usr/bin/env bash
# Walks the pages on installing and running as a new user does: every command of docs/install.md, kubernetes.md, injection.md and
# operations.md, in their order, with real kubectl and Helm, against the API server of the tests and our programs. A block that is
# not run says why in a comment above it, and is held by scripts/check-docs.py.
#
# The programs are taken from .build/debug, or from the folder that BIN names. KEEP=1 keeps the folder of the walk.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${BIN:-.build/debug}")
kubectl=$(scripts/kubectl.sh --path)
work=$(mktemp -d /tmp/claviger-walk-XXXXXX)
# The database runs as another user when root starts it, and has to pass through.
chmod 711 "$work"
mkdir -m 711 "$work/tmp"
mkdir "$work/bin" "$work/here" "$work/home"
unset CLAVIGER_URL CLAVIGER_CA CLAVIGER_TOKEN_FILE CLAVIGER_HOME
children=()
clean_up() {
    local status=$? child
    trap - EXIT
    # What runs on something ends before it.
    for child in "${children[@]}"; do
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    if [[ ${KEEP:-0} == 1 ]]; then echo "docs-walk: everything is kept in $work" >&2; else rm -rf "$work"; fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "docs-walk: $*" >&2
    exit 1
}

# run NAME COMMAND…: in the background, for as long as this script.
run() {
    local name=$1
    shift
    setpriv --pdeathsig TERM -- "$@" >"$work/$name.log" 2>&1 &
    children=("$!" "${children[@]}")
}

# await NAME FILE
await() {
    for _ in $(seq 600); do
        [[ ! -s $2 ]] || return 0
        kill -0 "${children[0]}" 2>/dev/null || break
        sleep 0.1
    done
    fail "$1 does not start: $(<"$work/$1.log")"
}

# Two clusters: the key owner's, and one that is not trusted.
mapfile -t ports < <(scripts/python.sh -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
print(*(s.getsockname()[1] for s in sockets), sep="\n")')
for context in keys east; do
    port=${ports[2]}
    [[ $context == keys ]] || port=${ports[4]}
    run "$context" "$bin/claviger-bench" api-server --kubeconfig "$work/$context.yaml" \
        --service "claviger/claviger-admission=https://localhost:$port"
    await "$context" "$work/$context.yaml"
    sed -i "s/\bfake\b/$context/g" "$work/$context.yaml"
done
export KUBECONFIG=$work/kubeconfig
(umask 077 && KUBECONFIG=$work/keys.yaml:$work/east.yaml "$kubectl" config view --raw >"$KUBECONFIG")

# A database: that of a broker for development, beside its own.
TMPDIR=$work/tmp run database "$bin/claviger" dev --ephemeral --port 0 --ready-file "$work/ready"
await database "$work/ready"
home=$(scripts/python.sh -c 'import json, sys; print(json.load(open(sys.argv[1]))["home"])' "$work/ready")
socket=$(sed -n 5p "$(find "$home" -name postmaster.pid | head -n 1)")
role=$(psql --host "$socket" --username claviger --dbname postgres --tuples-only --no-align --command 'SELECT current_user')
psql --host "$socket" --username "$role" --dbname postgres --quiet --command 'CREATE DATABASE walked'
printf '[claviger]\nhost=%s\nuser=%s\ndbname=walked\n' "$socket" "$role" >"$work/pg_service.conf"

ln -s "$bin"/claviger "$bin"/claviger-broker "$bin"/claviger-controller "$work/bin/"
# What needs nodes: forwarding is not needed here, logs are files, and the subresource `scale` is a field of the Deployment.
cat >"$work/bin/kubectl" <<KUBECTL
#!/usr/bin/env bash
set -euo pipefail
kubectl() { "$kubectl" "\$@"; }
[[ -z \${WALK_CONTEXT:-} ]] || set -- --context "\$WALK_CONTEXT" "\$@"
case " \$* " in
    *" port-forward "*) exit ;;
    *" logs "*) [[ \$* =~ -n\ ([a-z]+)\ logs\ ([a-z]+)\ -c\ ([a-z-]+) ]]
        exec cat "$work/keys/logs/\${BASH_REMATCH[1]}-\${BASH_REMATCH[2]}-\${BASH_REMATCH[3]}" ;;
    *" scale "*) [[ \$* =~ -n\ ([a-z]+)\ scale\ ([a-z/-]+)\ --replicas=([0-9]+) ]]
        exec "$kubectl" -n "\${BASH_REMATCH[1]}" patch "\${BASH_REMATCH[2]}" --type merge --patch "{\"spec\": {\"replicas\": \${BASH_REMATCH[3]}}}" ;;
    *" wait --for=delete pod "*) # Those of a Deployment: one process stands for them.
        until [[ \$(kubectl -n claviger get deployment claviger-broker --output 'jsonpath={.status.replicas}') == 0 ]]; do sleep 0.2; done ;;
    *) exec "$kubectl" "\$@" ;;
esac
KUBECTL
# Without --wait whoever types has seen the pods change before the next command.
cat >"$work/bin/helm" <<HELM
#!/usr/bin/env bash
set -euo pipefail
"$PWD/scripts/helm.sh" 4 "\$@"
[[ " \$* " == *" upgrade "* && " \$* " != *" --wait "* ]] || exit 0
seen() { "$kubectl" -n claviger get deployment claviger-broker --output "jsonpath={.\$1}"; }
until [[ \$(seen metadata.generation) == "\$(seen status.observedGeneration)" ]]; do sleep 0.2; done
until curl --silent --insecure --output /dev/null "https://localhost:${ports[0]}/healthz"; do sleep 0.2; done
HELM
chmod +x "$work/bin/kubectl" "$work/bin/helm"
export PGSERVICEFILE=$work/pg_service.conf PATH=$work/bin:$PATH
export WALK_DATABASE="postgresql://$role:canary-of-the-password@/walked?host=$socket"

run kubelet-keys scripts/python.sh scripts/walk/kubelet.py keys "$bin" "$work/keys" \
    "{broker: ${ports[0]}, health: ${ports[1]}, admission: ${ports[2]}}"
run kubelet-east scripts/python.sh scripts/walk/kubelet.py east "$bin" "$work/east" \
    "{broker: ${ports[0]}, health: ${ports[3]}, admission: ${ports[4]}}"
HOME=$work/home scripts/python.sh scripts/walk/walk.py "$work" "${ports[0]}"

#!/usr/bin/env bash
# Brings docker-compose.yml up with podman, sends a whole attestation through it, and tears it down. Everything lies in one
# temporary folder, images and containers too. Needs root and about two minutes; it is no part of `make test`.
#
# The programs are taken from .build/debug, or from the folder that BIN names. POSTGRES_IMAGE names an image that can be
# pulled; without, one is made from the PostgreSQL of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
export BIN=${BIN:-.build/debug}
claviger=$PWD/$BIN/claviger

work=$(mktemp -d /tmp/claviger-compose-XXXXXX)
service=''
pulse=''

. scripts/container-engine.sh "$work"
export DOCKER_HOST=unix://$work/podman.sock

say() { printf '\n== %s\n' "$*"; }

# What somebody wants to see when it failed.
tell() {
    local name
    podman ps --all
    for name in $(podman ps --all --format '{{.Names}}'); do
        echo "-- $name"
        podman logs --tail 15 "$name" 2>&1
        podman healthcheck run "$name" 2>&1
    done
}

clean_up() {
    local status=$?
    trap - EXIT
    [[ -z $pulse ]] || kill "$pulse" 2>/dev/null || true
    [[ $status -eq 0 ]] || tell || true
    podman rm --all --force --volumes --time 2 >/dev/null 2>&1 || true
    [[ -z $service ]] || { kill "$service" && wait "$service"; } 2>/dev/null || true
    podman network prune --force >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say "Images from $BIN"
scripts/image.sh
if [[ -z ${POSTGRES_IMAGE:-} ]]; then
    POSTGRES_IMAGE=$(scripts/postgres-image.sh)
    export POSTGRES_IMAGE
    echo "image: $POSTGRES_IMAGE"
fi

say "Secrets, and the file as Compose reads it"
mkdir -p "$work/project/scripts"
cp docker-compose.yml "$work/project/"
cp scripts/compose-secrets.sh "$work/project/scripts/"
# What fails in between must leave nothing that a second try takes for done.
if CLAVIGER=/bin/false "$work/project/scripts/compose-secrets.sh" 2>/dev/null; then exit 1; fi
[[ -z $(find "$work/project" -name '*secrets*' ! -name compose-secrets.sh) ]]
CLAVIGER=$claviger "$work/project/scripts/compose-secrets.sh"
compose() { scripts/compose.sh --project-directory "$work/project" --file "$work/project/docker-compose.yml" "$@"; }
compose config --quiet

say "Up, until everything is healthy"
podman system service --time 0 "$DOCKER_HOST" &
service=$!
for _ in $(seq 50); do
    [[ -S $work/podman.sock ]] && break
    sleep 0.1
done
# podman leaves health checks to systemd's timers.
while true; do
    for container in $(podman ps --quiet 2>/dev/null || true); do
        podman healthcheck run "$container" >/dev/null 2>&1 || true
    done
    sleep 1
done &
pulse=$!
started=$SECONDS
compose up --detach --no-build --wait --wait-timeout 60
compose ps
echo "compose: healthy after $((SECONDS - started)) s"

say "A denial, a policy, and the resource through the agent"
export CLAVIGER_URL=https://localhost:8080 CLAVIGER_CA=$work/project/secrets/ca.crt
export CLAVIGER_TOKEN_FILE=$work/project/secrets/admin/admin-token
through_agent() {
    podman exec claviger-agent-1 /usr/bin/attestation-agent probe http://127.0.0.1:8006/cdh/resource/demo/secret/greeting
}
"$claviger" policy apply -f Policies/default-cpu.yaml -f Policies/sample-reference-values.yaml
echo hello | "$claviger" resource put demo/secret/greeting
if through_agent; then
    echo "compose: released without a policy" >&2
    exit 1
fi
"$claviger" policy apply -f - <<'POLICY'
apiVersion: claviger.dev/v1alpha1
kind: ReleasePolicy
metadata: {name: demo, namespace: demo}
spec:
  match: {resources: ["demo/secret/*"]}
  require:
    tees: [sample]
    trust: {hardware: affirming, executables: affirming, configuration: affirming}
POLICY
# The agent keeps to a denial until its token ends.
podman restart --time 5 claviger-agent-1 >/dev/null
for _ in $(seq 100); do
    through_agent 2>/dev/null && break
    sleep 0.2
done
through_agent
"$claviger" decisions list

say "Restarting the broker loses nothing"
podman restart --time 10 claviger-broker-1 >/dev/null
for _ in $(seq 100); do
    "$claviger" resource list demo/ >/dev/null 2>&1 && break
    sleep 0.2
done
"$claviger" resource list demo/
podman inspect --format '{{.Name}} read-only: {{.HostConfig.ReadonlyRootfs}}, user: {{.Config.User}}, capabilities: {{.EffectiveCaps}}' \
    claviger-broker-1 claviger-agent-1
podman stats --no-stream --format '{{.Name}} {{.MemUsage}}' || true

say "Down"
kill "$pulse"
wait "$pulse" 2>/dev/null || true
pulse=''
compose down --volumes --timeout 10
[[ -z $(podman ps --all --quiet) ]] || { echo "compose: containers are left" >&2; exit 1; }
echo "compose: everything was checked"

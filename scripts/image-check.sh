#!/usr/bin/env bash
# Runs each image as a cluster would: as user 65532, on a read-only file system, without capabilities, new privileges or
# network, held to 128 MB. Prints sizes, and the memory of the programs that serve. Needs root.
#
#   scripts/image-check.sh              # makes the images first, from .build-release/release or the folder that BIN names
#
# Sizes have a goal (broker 120 MB, agent 60 MB), which is held to for release builds alone: GOALS=no only prints them.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d /tmp/claviger-images-XXXXXX)
. scripts/container-engine.sh "$work"
clean_up() {
    local status=$?
    trap - EXIT
    podman rm --all --force --time 2 >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

wrong() { echo "image-check: $*" >&2; exit 1; }
hardened=(--read-only --cap-drop all --security-opt no-new-privileges --network none --memory 128m)
image() { echo "localhost/claviger/$1:latest"; }

# Every member of an image's configuration that a cluster's restricted profile asks for, and what the file system refuses.
check_confinement() {
    local name=$1 version
    version=$(podman run --rm "${hardened[@]}" "$(image "$name")" --version) || wrong "$name does not run confined"
    [[ $(podman image inspect --format '{{.Config.User}}' "$(image "$name")") == 65532:65532 ]] || wrong "$name runs as another user"
    [[ -z $(podman image inspect --format '{{range $k, $v := .Config.ExposedPorts}}{{$k}} {{end}}{{range $k, $v := .Config.Volumes}}{{$k}}{{end}}' "$(image "$name")") ]] ||
        wrong "$name declares ports or volumes, which deployments are to do"
    echo "image-check: $name $version runs read-only, without capabilities and network"
}

# Programs that serve are started, until they do what a command looks for.
serve() { # serve NAME PODMAN-OPTION... -- ARGUMENT... -- COMMAND...
    local name=$1 options=() arguments=()
    shift
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    while [[ $1 != -- ]]; do arguments+=("$1") && shift; done
    shift
    podman run --detach --name "$name" "${hardened[@]}" "${options[@]}" "$(image "$name")" "${arguments[@]}" >/dev/null
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && break
        sleep 0.1
    done
    "$@" >/dev/null || { podman logs "$name" >&2; wrong "$name does not serve"; }
    [[ $(podman inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}}' "$name") == 'true []' ]] || wrong "$name is not confined"
    echo "image-check: $name serves, with $(podman stats --no-stream --format '{{.MemUsage}}' "$name" | cut -d/ -f1)of memory"
    podman stop --time 10 "$name" >/dev/null
    [[ $(podman inspect --format '{{.State.ExitCode}}' "$name") == 0 ]] || wrong "$name did not end by itself when asked to"
}
says() { podman logs "$1" 2>&1 | grep -q "$2"; }

megabytes() { echo $((($(podman image inspect --format '{{.Size}}' "$(image "$1")") + 999999) / 1000000)); }

scripts/image.sh
declare -A goals=([claviger-broker]=120 [attestation-agent]=60)
for name in claviger-broker attestation-agent claviger-controller claviger; do
    check_confinement "$name"
    size=$(megabytes "$name")
    goal=${goals[$name]:-}
    echo "image-check: $name has $size MB${goal:+, of $goal MB at most}"
    [[ -z $goal || ${GOALS:-yes} == no || $size -le $goal ]] || wrong "$name is larger than it is meant to be"
done
serve attestation-agent -- --kbs-url http://127.0.0.1:1 --allow-http --allow-sample -- \
    podman exec attestation-agent /usr/bin/attestation-agent probe http://127.0.0.1:8006/healthz
# Nobody answers it here: it has read the folder when it says so. With a broker, the broker's image is run by compose-check.sh.
echo none >"$work/token"
chmod 0644 "$work/token"
serve claviger-controller --volume "$PWD/Policies:/policies:ro" --volume "$work/token:/token:ro" -- \
    --policies /policies --url http://127.0.0.1:1 --insecure-http --token-file /token -- \
    says claviger-controller 'reconciliation failed'
echo "image-check: everything was checked"

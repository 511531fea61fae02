#!/usr/bin/env bash
# Builds one of: programs (debug), tests (debug, programs too), release (static Swift runtime, in .build-release).
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFT_BACKTRACE=enable=no

# Debug information is a third of a build's time and nobody reads it here; set CLAVIGER_DEBUG_INFO=1 to keep it.
lean=()
[ -n "${CLAVIGER_DEBUG_INFO:-}" ] || lean=(-Xswiftc -gnone -Xcc -g0 -Xcxx -g0)

case "${1:-}" in
    programs | tests) swift build --build-tests "${lean[@]}" ;;
    release)
        # A section for each function, so that the linker can leave out what nothing calls and keep one of equal ones.
        sections=(-Xswiftc -Xfrontend -Xswiftc -function-sections -Xcc -ffunction-sections -Xcxx -ffunction-sections)
        # By name: all targets would be those that tests share too, which need the testing library.
        for program in claviger-broker attestation-agent claviger-controller claviger claviger-bench; do
            swift build -c release --static-swift-stdlib --scratch-path .build-release "${sections[@]}" \
                --product "$program"
        done
        ;;
    *) echo "usage: scripts/build.sh programs|tests|release" >&2; exit 2 ;;
esac

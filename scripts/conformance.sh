#!/usr/bin/env bash
# Runs the conformance suite of the Kubernetes API, with our client and our controller, against the server that a kubeconfig
# names, or, without one, against the repository's own: scripts/conformance.sh [KUBECONFIG]. The tests must have been built
# (scripts/build.sh tests).
#
# The user needs a bearer token and the rights of an administrator; use a cluster that may be thrown away. The suite makes and
# removes namespaces. CustomResourceDefinitions are made or replaced and stay: one of its own and those of claviger.dev, as
# removing these would remove all objects of theirs. What a real server cannot be made to do on demand is skipped, and the
# reason printed.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ -n ${1:-} ]]; then
    CLAVIGER_CONFORMANCE_KUBECONFIG=$(realpath "$1")
    export CLAVIGER_CONFORMANCE_KUBECONFIG
    echo "conformance: against the server of $1"
else
    echo "conformance: against the server of Tests/KubernetesTestSupport"
fi
scripts/kubectl.sh --path >/dev/null
scripts/unit.sh --filter '^(KubernetesTests|ControllerTests)\..*Conformance'

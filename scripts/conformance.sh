#!/usr/bin/env bash
# Runs the conformance suite of the Kubernetes API, with our client and our controller, against a server, or, when none is
# named, against the repository's own. The tests must have been built (scripts/build.sh tests).
#
#   scripts/conformance.sh [KUBECONFIG]
#   CLAVIGER_CONFORMANCE_SERVER=https://… CLAVIGER_CONFORMANCE_TOKEN=… CLAVIGER_CONFORMANCE_CA=ca.pem scripts/conformance.sh
#
# The user needs a bearer token and the rights of an administrator; use a cluster that may be thrown away. Nothing stays:
# namespaces are the suite's own, and so are CustomResourceDefinitions that the cluster did not have. Where it has those of
# claviger.dev already, they must be those of CRDs/. The broker is one that the suite starts. What a real server cannot be
# made to do on demand is skipped, and the reason printed.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

kubeconfig=${1:-}
if [[ -z $kubeconfig && -n ${CLAVIGER_CONFORMANCE_SERVER:-} ]]; then
    : "${CLAVIGER_CONFORMANCE_TOKEN:?a bearer token is needed}" "${CLAVIGER_CONFORMANCE_CA:?a file with the authority is needed}"
    kubeconfig=$work/kubeconfig
    (
        umask 077
        cat >"$kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: conformance
contexts:
- {name: conformance, context: {cluster: conformance, user: conformance}}
clusters:
- name: conformance
  cluster: {server: "$CLAVIGER_CONFORMANCE_SERVER", certificate-authority: "$(realpath "$CLAVIGER_CONFORMANCE_CA")"}
users:
- name: conformance
  user: {token: "$CLAVIGER_CONFORMANCE_TOKEN"}
YAML
    )
fi
# Fetched once, before tests that run side by side ask for them.
scripts/kubectl.sh --path >/dev/null
for helm in 3 4; do scripts/helm.sh $helm version >/dev/null; done
suite() { scripts/unit.sh --filter '^(KubernetesTests|ControllerTests)\..*Conformance'; }
if [[ -z $kubeconfig ]]; then
    echo "conformance: against the server of Tests/KubernetesTestSupport"
    suite
    exit
fi

CLAVIGER_CONFORMANCE_KUBECONFIG=$(realpath "$kubeconfig")
export CLAVIGER_CONFORMANCE_KUBECONFIG
cluster() { scripts/kubectl.sh --kubeconfig "$CLAVIGER_CONFORMANCE_KUBECONFIG" "$@"; }
echo "conformance: against the server of ${1:-CLAVIGER_CONFORMANCE_SERVER}"

# What the cluster has already is compared and left alone; the rest is the suite's and goes with it.
made=(widgets.conformance.claviger.dev)
for file in CRDs/*.yaml; do
    name=$(sed -n 's/^  name: //p' "$file" | head -n 1)
    if [[ -z $(cluster get customresourcedefinitions "$name" --ignore-not-found --output name) ]]; then
        made+=("$name")
    elif ! cluster diff --server-side --force-conflicts --field-manager claviger-conformance --filename "$file" >"$work/diff"; then
        head -n 40 "$work/diff" >&2
        echo "conformance: the cluster has another $name than CRDs/: bring it up to date or remove it first" >&2
        exit 1
    fi
done

status=0
suite || status=$?
# Namespaces go by and by, and what holds them is told.
namespaces() { cluster get namespaces --output name | grep -E '^namespace/claviger-(conformance|controller)-[0-9a-f]{8}$' || true; }
for _ in {1..60}; do
    [[ -n $(namespaces) ]] || break
    sleep 2
done
left=$(namespaces)
cluster delete customresourcedefinitions "${made[@]}" --ignore-not-found --timeout 120s >/dev/null || status=1
if [[ -n $left ]]; then
    echo "conformance: these namespaces do not go:" "$left" >&2
    # Only a controller-manager removes them, and it is the one who makes this map.
    [[ -z $(cluster get configmap kube-root-ca.crt --namespace default --ignore-not-found --output name) ]] || status=1
fi
exit "$status"

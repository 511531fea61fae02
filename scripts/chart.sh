#!/usr/bin/env bash
# Checks the charts: lint and rendering with Helm 3 and 4, each object against the schemas of the oldest and a recent Kubernetes
# and against what peers get wrong, the rendered configuration and policies as the programs themselves read them, bad values
# refused, the alerts and the dashboard, and the files for containers.
#
# The programs are taken from .build/debug, or from the folder that BIN names.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-.build/debug}
chart=Charts/claviger
work=$(mktemp -d)
walk=''
trap '[[ -z $walk ]] || { kill -TERM "$walk" 2>/dev/null && wait "$walk"; } || true; rm -rf "$work"' EXIT
count=0

fail() {
    echo "chart: $*" >&2
    exit 1
}

for copy in Charts/claviger Charts/claviger-crds; do
    diff -r CRDs $copy/files/crds || fail "the copies of CRDs in $copy differ: cp CRDs/*.yaml $copy/files/crds/"
done
for program in claviger claviger-broker claviger-controller attestation-agent claviger-bench; do
    [[ -x $bin/$program ]] || fail "$bin/$program is missing: build first, or set BIN"
done

scripts/injection-policy.sh | diff - $chart/files/injection-policy.yaml ||
    fail "the controller injects otherwise by now: scripts/injection-policy.sh >$chart/files/injection-policy.yaml"

# What a cluster mounts below /etc/claviger: the broker looks at the files that its configuration names.
mounts=$work/etc
(
    umask 077
    mkdir -p "$mounts"/{kek,tls,database,admin/0,admin/1,clusters/0,clusters/1,clusters/2,extra/signers,extra/pccs}
    printf '1:%s\n' "$(openssl rand -base64 32)" >"$mounts/kek/kek"
    printf 'postgresql://claviger@database/claviger' >"$mounts/database/url"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=broker \
        -keyout "$mounts/tls/tls.key" -out "$mounts/tls/tls.crt" 2>/dev/null
    cp "$mounts/tls/tls.crt" "$mounts/extra/pccs/ca.crt"
    openssl x509 -in "$mounts/tls/tls.crt" -noout -pubkey >"$mounts/extra/signers/alice.pub"
    for provider in 0 1; do
        cp "$mounts/extra/signers/alice.pub" "$mounts/admin/$provider/public-key.pem"
        printf '{"keys": []}' >"$mounts/admin/$provider/jwks.json"
    done
    for cluster in 0 1 2; do
        printf '{"keys": []}' >"$mounts/clusters/$cluster/jwks.json"
        printf 'token' >"$mounts/clusters/$cluster/token"
        cp "$mounts/tls/tls.crt" "$mounts/clusters/$cluster/ca.crt"
    done
)

# render HELM KUBERNETES ARGUMENTS…
render() {
    local helm=$1 kubernetes=$2
    shift 2
    scripts/helm.sh "$helm" template demo $chart --namespace keys --kube-version "$kubernetes.0" "$@" | without_end
}

# Helm 4 ends its output with an empty line where the last object is a hook.
without_end() { sed -e '${/^$/d}'; }

# judge KUBERNETES NAME: the manifests $work/NAME.yaml, and the configuration and the policies in them.
judge() {
    local kubernetes=$1 out=$work/$2
    mkdir -p "$out"
    scripts/python.sh scripts/check-chart.py "$kubernetes" keys "$bin" "$out" <"$out.yaml" || fail "$2, Kubernetes $kubernetes"
    if [[ -f $out/broker.yaml ]]; then
        sed -i "s:/etc/claviger/:$mounts/:" "$out/broker.yaml"
        "$bin/claviger-broker" --config "$out/broker.yaml" --check || fail "the broker refuses its configuration"
    fi
    [[ ! -d $out/policies ]] || "$bin/claviger" policy lint "$out/policies" >/dev/null
    count=$((count + 1))
}

for helm in 3 4; do
    for values in "$chart"/ci/*-values.yaml; do
        scripts/helm.sh "$helm" lint --strict --quiet $chart --kube-version 1.36.0 --values "$values" >"$work/lint" 2>&1 ||
            fail "$(<"$work/lint")"
        name=$(basename "$values" -values.yaml)
        versions=(1.29 1.36)
        # The version v1 of what this one needs came with 1.36; that of ValidatingAdmissionPolicy with 1.30.
        [[ $name != admission-policy ]] || versions=(1.36)
        [[ $name != minimal ]] || versions+=(1.30)
        for kubernetes in "${versions[@]}"; do
            render $helm "$kubernetes" --values "$values" >"$work/$helm-$kubernetes-$name.yaml" ||
                fail "$values is not rendered by Helm $helm"
            judge "$kubernetes" "$helm-$kubernetes-$name"
        done
    done
    scripts/helm.sh "$helm" lint --strict --quiet Charts/claviger-crds >"$work/lint" 2>&1 || fail "$(<"$work/lint")"
    for kubernetes in 1.29 1.36; do
        scripts/helm.sh "$helm" template demo Charts/claviger-crds --kube-version $kubernetes.0 | without_end >"$work/$helm-$kubernetes-crds.yaml"
        judge $kubernetes "$helm-$kubernetes-crds"
    done
done

# A30: a fresh install has no administrator but the controller, and no secret.
minimal=$chart/ci/minimal-values.yaml
fresh=$work/4-1.36-minimal
if grep -E '^ *-? *role:|allowedEndpoints' "$fresh/broker.yaml" | grep -vE 'controller-of-main|\^/claviger/v1/(sources/main/|policies/status\$)'; then
    fail "A30: somebody may administrate a fresh install"
fi
grep -q 'mode: DenyAll' <(render 4 1.36 --values $minimal --set controller.enabled=false) || fail "A30: a fresh install has an administrator"
if grep -qE '^ *(data|stringData):' <(grep -A12 '^kind: Secret' "$fresh.yaml"); then fail "A30: a fresh install has a secret of its own"; fi

# The notes: three commands, and a warning for each insecure choice and for nothing else. (Peer: no notes.)
notes() {
    KUBECONFIG=$work/none scripts/helm.sh 4 install demo $chart --namespace keys --dry-run=client --values "$1" | sed -n '/^NOTES:/,$p'
}
notes $minimal >"$work/notes"
[[ $(sed -n '/^Next/,/^docs/p' "$work/notes" | grep -cE '^  (kubectl|helm|claviger) ') == 3 ]] || fail "the notes do not name three commands"
grep -q 'NOBODY MAY ADMINISTRATE but the controller' "$work/notes" || fail "the notes do not say that nobody may administrate"
if grep -q WARNING "$work/notes"; then fail "the notes warn of a fresh install"; fi
grep -qF 'networkPolicy.{broker.databaseTo, broker.httpsTo, controller.apiServerTo, dnsTo}' "$work/notes" ||
    fail "the notes do not say whom nobody named"
if grep -q 'No webhook' "$work/notes"; then fail "the notes miss webhooks that are there"; fi
notes $chart/ci/folder-values.yaml | grep -q 'No webhook is installed: controller.mode is Folder' ||
    fail "the notes do not say that no webhook is installed"
if notes $chart/ci/full-values.yaml | grep -q 'talk to everybody'; then fail "the notes find somebody unnamed where all are named"; fi
notes $chart/ci/development-values.yaml >"$work/notes"
for choice in development.enabled attestation.allowSample protocol.legacy 'verifiers.*.allowDebug' injection.allowSample \
    development.postgresql 'one replica'; do
    sed -n '/^WARNING/,$p' "$work/notes" | grep -qF "$choice" || fail "the notes do not warn of $choice"
done

# With the definitions in the cluster already, profiles can come with an upgrade.
render 4 1.36 --values $minimal --is-upgrade --set 'agentProfiles[0].name=web' --set 'agentProfiles[0].namespace=payments' \
    --set 'agentProfiles[0].spec.broker.urls[0]=https://keys.example' >"$work/upgrade.yaml"
judge 1.36 upgrade

# The API server injects what the controller would.
for helm in 3 4; do
    scripts/python.sh scripts/check-injection-policy.py "$bin/claviger-controller" $chart/ci/admission-policy-values.yaml \
        "$work/$helm-1.36-admission-policy.yaml" || fail "Helm $helm renders another injection than the controller prints"
done

# Agents of brokers elsewhere do not trust this release's authority, but what is said for them or what their image has.
elsewhere=(--values "$minimal" --set 'injection.brokerURLs[0]=https://keys.example')
render 4 1.36 "${elsewhere[@]}" >"$work/elsewhere-brokers.yaml"
judge 1.36 elsewhere-brokers
if grep -q -- --agent-ca "$work/elsewhere-brokers.yaml"; then fail "agents of another broker are told to trust this one's authority"; fi
grep -q -- --agent-ca=/etc/claviger/agent-ca/ca.crt "$work/4-1.36-full.yaml" || fail "agents are not told to trust injection.caBundle"

# Who may write pods does not exchange agents, whoever injects them.
for name in minimal admission-policy; do
    [[ $(grep -c 'name: .*-injection-keep-agents$' "$work/4-1.36-$name.yaml") == 2 ]] || fail "$name: agents can be exchanged"
done

# The webhooks' certificates: nothing changes by itself when somebody installs cert-manager. Auto is a choice, and stays with what is
# there. cert-manager's are in a Secret that Helm does not know of.
render 4 1.36 --values $minimal --api-versions cert-manager.io/v1 | diff "$fresh.yaml" - ||
    fail "another authority for the webhooks after cert-manager was installed"
auto=(--values "$minimal" --set admission.certificates=Auto)
render 4 1.36 "${auto[@]}" | diff "$fresh.yaml" - || fail "certificates are asked of a cert-manager that is not there"
render 4 1.36 "${auto[@]}" --api-versions cert-manager.io/v1 >"$work/auto.yaml"
grep -q '^kind: Certificate' "$work/auto.yaml" || fail "cert-manager is not found"
judge 1.36 auto
scripts/python.sh scripts/check-certificates.py $minimal || fail "Auto changes who makes the certificates of a release"

# The controller's roles, by which its own tests run.
scripts/chart-roles.sh | diff - Tests/ControllerTests/Policies/chart-roles.yaml ||
    fail "the tests run by other roles than the chart's: scripts/chart-roles.sh >Tests/ControllerTests/Policies/chart-roles.yaml"

# Where the values name every peer, nobody else is let in or out.
scripts/python.sh scripts/check-peers.py "$work/4-1.36-full.yaml" || fail "a value for the network is not heeded"

# Two releases side by side, and one of the same name in another namespace.
scripts/helm.sh 4 template other $chart --namespace keys --kube-version 1.36.0 --values $minimal | without_end >"$work/other.yaml"
scripts/helm.sh 4 template demo $chart --namespace elsewhere --kube-version 1.36.0 --values $minimal | without_end >"$work/elsewhere.yaml"
scripts/python.sh scripts/check-releases.py "$fresh.yaml" "$work/other.yaml" "$work/elsewhere.yaml" || fail "releases share objects"

# Helm 3 and 4 render the same text.
scripts/python.sh -m yamllint --strict --config-file scripts/yamllint.yaml "$work"/4-1.36-*.yaml $chart/values.yaml \
    Charts/*/Chart.yaml $chart/ci $chart/files CRDs Policies docker-compose.yml
# What finds nothing may not be looking: each check is shown what it is for.
scripts/python.sh scripts/chart-mutants.py keys "$bin" "$fresh.yaml" "$work/4-1.36-development.yaml" "$work/auto.yaml" \
    "$work/4-1.36-admission-policy.yaml" || fail "a check does not see what it is for"

scripts/python.sh scripts/check-docs.py "$bin" || fail "the documentation is not true"
scripts/python.sh scripts/check-defects.py || fail "nothing shows that a defect of the peers is not here"
scripts/python.sh scripts/values-table.py --check $chart || fail "the table of values in $chart/README.md is old: scripts/values-table.py $chart"
# Who walks mostly waits: others work meanwhile.
scripts/docs-walk.sh >"$work/walk" 2>&1 &
walk=$!
scripts/chart-refusals.sh
scripts/install-check.sh
scripts/helm-test.sh
scripts/monitoring-check.sh
scripts/container-check.sh
wait "$walk" || { walk=''; fail "$(<"$work/walk")"; }
walk=''
cat "$work/walk"
echo "chart: $count renderings checked"

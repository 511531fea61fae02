#!/usr/bin/env bash
# Checks Charts/claviger: lint and rendering with Helm 3 and 4, the schemas of the oldest and a recent Kubernetes, bad
# values refused, and the rendered configuration and policies as the programs themselves read them.
#
# The programs are taken from .build/debug, or from the folder that BIN names.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-.build/debug}
chart=Charts/claviger
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

fail() {
    echo "chart: $*" >&2
    exit 1
}

diff -r CRDs $chart/files/crds || fail "the chart's copies of CRDs differ: cp CRDs/*.yaml $chart/files/crds/"
for program in claviger claviger-broker; do
    [[ -x $bin/$program ]] || fail "$bin/$program is missing: build first, or set BIN"
done

# What a cluster mounts below /etc/claviger: the broker looks at the files that its configuration names.
mounts=$work/etc
(
    umask 077
    mkdir -p "$mounts"/{kek,tls,database,admin/0,admin/1}
    printf '1:%s\n' "$(openssl rand -base64 32)" >"$mounts/kek/kek"
    printf 'postgresql://claviger@database/claviger' >"$mounts/database/url"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=broker \
        -keyout "$mounts/tls/tls.key" -out "$mounts/tls/tls.crt" 2>/dev/null
    for provider in 0 1; do
        openssl x509 -in "$mounts/tls/tls.crt" -noout -pubkey >"$mounts/admin/$provider/public-key.pem"
        printf '{"keys": []}' >"$mounts/admin/$provider/jwks.json"
    done
)

# render HELM KUBERNETES VALUES…
render() {
    local helm=$1 kubernetes=$2
    shift 2
    scripts/helm.sh "$helm" template demo $chart --namespace keys --kube-version "$kubernetes" "$@"
}

for helm in 3 4; do
    for values in "$chart"/ci/*-values.yaml; do
        scripts/helm.sh "$helm" lint --strict --quiet $chart --values "$values" >"$work/lint" 2>&1 || fail "$(<"$work/lint")"
        for kubernetes in 1.30 1.36; do
            out=$work/$helm-$kubernetes-$(basename "$values" .yaml)
            mkdir "$out"
            render $helm $kubernetes.0 --values "$values" >"$out.yaml" || fail "$values is not rendered by Helm $helm"
            scripts/python.sh scripts/check-chart.py $kubernetes "$out" <"$out.yaml" || fail "$values, Kubernetes $kubernetes"
            sed -i "s:/etc/claviger/:$mounts/:" "$out/broker.yaml"
            "$bin/claviger-broker" --config "$out/broker.yaml" --check || fail "the broker refuses its configuration"
            [[ ! -d $out/policies ]] || "$bin/claviger" policy lint "$out/policies" >/dev/null
            count=$((count + 1))
        done
    done
done

# What a fresh install does: nothing without secrets, and nobody may administrate.
minimal=$chart/ci/minimal-values.yaml
grep -q 'mode: DenyAll' "$work/4-1.36-minimal-values/broker.yaml" || fail "a fresh install has an administrator"
for setting in broker.image.repository broker.database.secretName broker.keyEncryptionKey.secretName broker.tls.secretName; do
    render 4 1.36.0 --values $minimal --set "$setting=" >"$work/log" 2>&1 && fail "$setting may be missing"
    grep -qF "$setting is required" "$work/log" || fail "the refusal does not name $setting: $(<"$work/log")"
done

# refused WORD SETTING…: Helm 3 and 4 word it differently, but both name the value.
refused() {
    local word=$1 helm
    shift
    for helm in 3 4; do
        render $helm 1.36.0 --values $minimal "$@" >"$work/log" 2>&1 && fail "accepted: $*"
        grep -qF -- "$word" "$work/log" || fail "the refusal of $* does not name $word: $(<"$work/log")"
        count=$((count + 1))
    done
}
refused replcas --set broker.replcas=3
refused replicas --set broker.replicas=0
refused replicas --set-string broker.replicas=2
refused lifetime --set broker.configuration.token.lifetime=forever
refused mode --set broker.admin.mode=AllowAll
refused transport --set broker.configuration.transport.insecurePlaintext=true
refused password --set broker.database.password=secret
refused publicKey --set 'broker.admin.identityProviders[0].issuer=a' --set 'broker.admin.identityProviders[0].audience=b'
refused digest --set broker.image.digest=sha256:abc
refused .txt --set controller.enabled=true --set 'controller.policies.notes\.txt=a'
refused controller.policies --set controller.enabled=true
refused 1.30 --kube-version 1.29.0

scripts/python.sh -m yamllint --strict --config-file scripts/yamllint.yaml "$work"/*.yaml $chart/values.yaml $chart/Chart.yaml \
    $chart/ci CRDs Policies docker-compose.yml
echo "chart: $count renderings and refusals checked"

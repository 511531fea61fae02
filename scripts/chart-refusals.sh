#!/usr/bin/env bash
# Bad values are refused by Helm 3 and 4, with a message that names them; insecure ones also where the schema is not asked (A45).
set -euo pipefail
cd "$(dirname "$0")/.."
chart=Charts/claviger
log=$(mktemp)
trap 'rm -f "$log"' EXIT
count=0

fail() {
    echo "chart-refusals: $*" >&2
    exit 1
}

# render HELM ARGUMENTS…
render() {
    local helm=$1
    shift
    scripts/helm.sh "$helm" template demo $chart --namespace keys --kube-version 1.36.0 --values $chart/ci/minimal-values.yaml "$@"
}

# refused WORD ARGUMENTS…: Helm 3 and 4 word it differently, but both name the value.
refused() {
    local word=$1 helm
    shift
    for helm in 3 4; do
        render $helm "$@" >"$log" 2>&1 && fail "Helm $helm accepts: $*"
        grep -qF -- "$word" "$log" || fail "the refusal of $* by Helm $helm does not name $word: $(<"$log")"
        count=$((count + 1))
    done
}

# never WORD ARGUMENTS…: in a production release neither with the schema nor without it.
never() {
    local word=$1
    shift
    refused "$word" "$@"
    render 4 --skip-schema-validation "$@" >"$log" 2>&1 && fail "accepted without the schema: $*"
    grep -qF "$word" "$log" || fail "the refusal of $* without the schema does not name $word: $(<"$log")"
    count=$((count + 1))
}

# What has to be there.
for setting in image.registry broker.database.secretName broker.keyEncryptionKey.secretName broker.tls.secretName; do
    refused "$setting is required" --set "$setting="
done
refused broker.tls.certManager.issuerRef.name --set broker.tls.certManager.enabled=true
refused controller.externalBroker.url --set broker.enabled=false
refused controller.externalBroker.ca --set broker.enabled=false --set controller.externalBroker.url=https://a.example
refused controller.folder.policies --set controller.mode=Folder
refused controller.folder.token.secretName --set controller.mode=Folder --set controller.folder.existingConfigMap=a
refused 'exclude each other' --set controller.mode=Folder --set controller.folder.existingConfigMap=a --set 'controller.folder.policies.a\.yaml=b'
refused development.postgresql.password.secretName --set development.enabled=true --set development.postgresql.enabled=true

# Misspelt, of a wrong type, out of range.
refused replcas --set broker.replcas=3
refused Broker --set Broker.replicas=3
refused replicas --set broker.replicas=0
refused replicas --set-string broker.replicas=2
refused replicas --set controller.replicas=-1
refused mode --set controller.mode=cluster
refused mode --set injection.mode=webhook
refused mode --set broker.admin.mode=AllowAll
refused certificates --set admission.certificates=None
refused lifetime --set broker.configuration.token.lifetime=forever
refused networks --set broker.configuration.collateral.networks=true
refused keys --set 'broker.configuration.policies.signatures.keys[0]=/etc/passwd'
refused password --set broker.database.password=secret
refused publicKey --set 'broker.admin.identityProviders[0].issuer=a' --set 'broker.admin.identityProviders[0].audience=b'
refused digest --set broker.image.digest=sha256:abc
refused .txt --set controller.mode=Folder --set 'controller.folder.policies.notes\.txt=a'
refused source --set controller.source=East_1
refused namespaces --set 'controller.namespaces[0]=*'
refused names --set 'controller.secretSources[0].namespace=payments' --set 'controller.secretSources[0].names[0]=*'
refused jwkSet --set 'broker.admin.clusters[0].source=east' --set 'broker.admin.clusters[0].issuer=a' \
    --set 'broker.admin.clusters[0].audience=b' --set 'broker.admin.clusters[0].serviceAccount.namespace=c' --set 'broker.admin.clusters[0].serviceAccount.name=d'
refused databasePort --set networkPolicy.broker.databasePort=70000
refused disabledAlerts --set 'monitoring.prometheusRule.disabledAlerts[0]=all alerts'
refused user --set injection.user=0
refused podSecurityContext --set broker.podSecurityContext.runAsUser=0
refused resource --set tests.attestation.resource=a/b/../c
refused 1.29 --kube-version 1.28.0

# What does not go together.
two=(--set 'broker.admin.clusters[0].source=main' --set 'broker.admin.clusters[0].issuer=a' --set 'broker.admin.clusters[0].audience=b'
    --set 'broker.admin.clusters[0].serviceAccount.namespace=c' --set 'broker.admin.clusters[0].serviceAccount.name=d'
    --set 'broker.admin.clusters[0].jwkSet.configMapName=e')
refused 'the source main is given twice' "${two[@]}"
refused 'nothing to install' --set broker.enabled=false --set controller.enabled=false
refused broker.enabled=false --set controller.externalBroker.url=https://a.example
refused Charts/claviger-crds --set 'agentProfiles[0].name=a' --set 'agentProfiles[0].namespace=b' --set 'agentProfiles[0].spec.broker.urls[0]=c'
refused 'takes Kubernetes 1.36' --set injection.mode=AdmissionPolicy --kube-version 1.35.0
refused injection.caBundle --set injection.mode=AdmissionPolicy
refused 'nobody reads them' --values $chart/ci/admission-policy-values.yaml --set crds.enabled=false \
    --set 'agentProfiles[0].name=a' --set 'agentProfiles[0].namespace=b' --set 'agentProfiles[0].spec.broker.urls[0]=https://c'

# A45: what weakens the system is not to be had in production, whatever is switched off. (Peer: a misspelt profile was permissive.)
never allowSample --set broker.configuration.attestation.allowSample=true
never legacy --set broker.configuration.protocol.legacy=true
never allowDebug --set broker.configuration.verifiers.snp.allowDebug=true
never allowDebug --set broker.configuration.verifiers.tdx.allowDebug=true
never allowProfiling --set broker.configuration.verifiers.tdx.allowProfiling=true
never allowDebug --set broker.configuration.verifiers.sgx.allowDebug=true
never allowSample --set injection.allowSample=true
never sample --set tests.attestation.sample=true
never postgresql --set development.postgresql.enabled=true
never allowSample --set broker.configuration.attestation.allowSample=true --set development.enabled=false
never transport --set broker.configuration.transport.insecurePlaintext=true
never transport --set broker.configuration.transport.insecurePlaintext=true --set development.enabled=true
never admin --set broker.configuration.admin.mode=AllowAll
never tag --set image.tag=latest
never tag --set broker.image.tag=latest
refused enabled --set-string development.enabled=yes
echo "chart-refusals: $count refusals checked"

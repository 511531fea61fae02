{{/*
What the schema cannot say, or says only while it is asked: `helm --skip-schema-validation` does not lead to an insecure release.
*/}}
{{- define "claviger.checks" -}}
{{- $configuration := .Values.broker.configuration -}}
{{- $insecure := dict
    "broker.configuration.attestation.allowSample" (dig "attestation" "allowSample" false $configuration)
    "broker.configuration.protocol.legacy" (dig "protocol" "legacy" false $configuration)
    "broker.configuration.transport" (hasKey $configuration "transport")
    "broker.configuration.verifiers.snp.allowDebug" (dig "verifiers" "snp" "allowDebug" false $configuration)
    "broker.configuration.verifiers.tdx.allowDebug" (dig "verifiers" "tdx" "allowDebug" false $configuration)
    "broker.configuration.verifiers.tdx.allowProfiling" (dig "verifiers" "tdx" "allowProfiling" false $configuration)
    "broker.configuration.verifiers.sgx.allowDebug" (dig "verifiers" "sgx" "allowDebug" false $configuration)
    "injection.allowSample" .Values.injection.allowSample
    "tests.attestation.sample" .Values.tests.attestation.sample
    "development.postgresql.enabled" .Values.development.postgresql.enabled -}}
{{- range $name, $on := $insecure -}}
{{- if and $on (not $.Values.development.enabled) -}}
{{- fail (printf "%s is for development: it takes development.enabled as well, and is never for production." $name) -}}
{{- end -}}
{{- end -}}
{{- if hasKey $configuration "transport" -}}
{{- fail "broker.configuration.transport is not yours to set: the broker serves TLS, always." -}}
{{- end -}}
{{- if hasKey $configuration "admin" -}}
{{- fail "broker.configuration.admin is not yours to set: broker.admin is." -}}
{{- end -}}
{{- range tuple .Values.broker.image .Values.controller.image .Values.injection.image .Values.tests.image .Values.image .Values.development.postgresql.image -}}
{{- if eq (default "" .tag) "latest" -}}
{{- fail "the image tag latest is another program tomorrow: name a version, or a digest." -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.broker.enabled .Values.controller.enabled) -}}
{{- fail "broker.enabled and controller.enabled are both false: there is nothing to install." -}}
{{- end -}}
{{- if and (not .Values.broker.enabled) .Values.broker.admin.clusters -}}
{{- fail "broker.admin.clusters is for the cluster with the broker; broker.enabled is false." -}}
{{- end -}}
{{- if and .Values.broker.enabled .Values.controller.externalBroker.url -}}
{{- fail "controller.externalBroker.url is for a broker elsewhere: it takes broker.enabled=false." -}}
{{- end -}}
{{- if and .Values.agentProfiles .Values.crds.enabled .Release.IsInstall -}}
{{- fail "agentProfiles: the definition of AgentProfile has to be in the cluster first. Install Charts/claviger-crds and set crds.enabled=false, or add the profiles with an upgrade." -}}
{{- end -}}
{{- if and (eq .Values.injection.mode "AdmissionPolicy") (semverCompare "<1.36.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "injection.mode AdmissionPolicy takes Kubernetes 1.36; this is %s. Use Webhook." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (eq .Values.injection.mode "AdmissionPolicy") .Values.injection.allowSample -}}
{{- fail "injection.allowSample takes injection.mode Webhook." -}}
{{- end -}}
{{- if and (eq .Values.injection.mode "AdmissionPolicy") (not .Values.injection.caBundle) -}}
{{- fail "injection.caBundle is required with injection.mode AdmissionPolicy: what the broker's certificate leads to, in PEM." -}}
{{- end -}}
{{- if and (eq .Values.injection.mode "AdmissionPolicy") .Values.agentProfiles -}}
{{- fail "agentProfiles are for injection.mode Webhook: with AdmissionPolicy nobody reads them." -}}
{{- end -}}
{{- end }}

{{/* Whether the controller serves admission: "true" or nothing. */}}
{{- define "claviger.webhooks" -}}
{{- if and .Values.controller.enabled (eq .Values.controller.mode "Cluster") (or .Values.admission.validation (eq .Values.injection.mode "Webhook")) }}true{{ end -}}
{{- end }}

{{/*
CertManager or SelfManaged. Auto stays with what a release has: another authority from one moment to the next would have calls
refused while pods are replaced. Only Auto looks into the cluster.
*/}}
{{- define "claviger.admissionCertificates" -}}
{{- if ne .Values.admission.certificates "Auto" -}}
{{ .Values.admission.certificates }}
{{- else if not (.Capabilities.APIVersions.Has "cert-manager.io/v1") -}}
SelfManaged
{{- else if lookup "v1" "Secret" .Release.Namespace (include "claviger.admissionSecret" (dict "root" . "certificates" "SelfManaged")) -}}
SelfManaged
{{- else -}}
CertManager
{{- end -}}
{{- end }}

{{/*
Where the certificate of the webhooks is, (dict "root" $ "certificates" "SelfManaged"). Two names: what Helm has made it takes away
as well, even after cert-manager has filled it.
*/}}
{{- define "claviger.admissionSecret" -}}
{{ include "claviger.fullname" .root }}-admission-{{ ternary "issued" "tls" (eq .certificates "CertManager") }}
{{- end }}

{{/* The broker's addresses for injected agents, as a list below `urls`. */}}
{{- define "claviger.agentURLs" -}}
{{- toYaml (dict "urls" (default (list (include "claviger.brokerURL" .)) .Values.injection.brokerURLs)) -}}
{{- end }}

{{/* cpu=10m,memory=48Mi */}}
{{- define "claviger.quantities" -}}
{{- $parts := list -}}
{{- range $name, $quantity := . -}}
{{- $parts = append $parts (printf "%s=%v" $name $quantity) -}}
{{- end -}}
{{- join "," $parts -}}
{{- end }}

{{- define "claviger.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "claviger.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "claviger.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "claviger.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The prefix for objects without a namespace: two releases of one name may be in two namespaces. */}}
{{- define "claviger.clusterName" -}}
{{- $name := include "claviger.fullname" . -}}
{{- if eq $name .Release.Namespace }}{{ $name }}{{ else }}{{ printf "%s-%s" .Release.Namespace $name | trunc 100 }}{{ end -}}
{{- end }}

{{/* The labels by which Deployments and Services find their pods: (dict "root" $ "component" "broker"). */}}
{{- define "claviger.selectorLabels" -}}
app.kubernetes.io/name: {{ include "claviger.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "claviger.labels" -}}
{{ include "claviger.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: claviger
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- if .root.Values.development.enabled }}
claviger.dev/profile: development
{{- end }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (dict "root" $ "image" .Values.broker.image "program" "claviger-broker") */}}
{{- define "claviger.image" -}}
{{- $repository := .image.repository -}}
{{- if not $repository -}}
{{- $registry := required "image.registry is required: build the images with `make image` and push them to a registry of yours." .root.Values.image.registry -}}
{{- $repository = printf "%s/%s" $registry .program -}}
{{- end -}}
{{- $tag := coalesce .image.tag .root.Values.image.tag .root.Chart.AppVersion -}}
{{- if .image.digest -}}
{{ printf "%s:%s@%s" $repository $tag .image.digest }}
{{- else -}}
{{ printf "%s:%s" $repository $tag }}
{{- end -}}
{{- end }}

{{/* Where the controller and the tests find the broker. */}}
{{- define "claviger.brokerURL" -}}
{{- if .Values.broker.enabled -}}
https://{{ include "claviger.fullname" . }}-broker.{{ .Release.Namespace }}.svc:{{ .Values.broker.service.port }}
{{- else -}}
{{ required "controller.externalBroker.url is required: broker.enabled is false, so the broker is elsewhere." .Values.controller.externalBroker.url }}
{{- end -}}
{{- end }}

{{- define "claviger.tlsSecret" -}}
{{- if .Values.broker.tls.certManager.enabled -}}
{{ default (printf "%s-broker-tls" (include "claviger.fullname" .)) .Values.broker.tls.secretName }}
{{- else -}}
{{ required "broker.tls.secretName is required: an existing Secret of type kubernetes.io/tls, or broker.tls.certManager; there is no way without TLS." .Values.broker.tls.secretName }}
{{- end -}}
{{- end }}

{{/* The Secret with the certificates that the broker's leads to. */}}
{{- define "claviger.caSecret" -}}
{{ default (include "claviger.tlsSecret" .) .Values.broker.tls.ca.secretName }}
{{- end }}

{{/* The security settings of the restricted Pod Security Standard, for every pod of this chart. */}}
{{- define "claviger.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "claviger.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods may run: (dict "root" $ "component" .Values.broker). */}}
{{- define "claviger.scheduling" -}}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (dict "names" $names "constraints" .Values.broker.topologySpread) */}}
{{- define "claviger.topologySpread" -}}
{{- $pods := dict "labelSelector" (dict "matchLabels" (include "claviger.selectorLabels" .names | fromYaml)) }}
{{- $constraints := list }}
{{- range .constraints }}
{{- $constraints = append $constraints (merge (dict) . $pods) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{/* 0440: the group of the pod may read, as every version of YAML understands it. */}}
{{- define "claviger.secretMode" -}}
288
{{- end }}

{{/* Where the controller and the tests find what the broker's certificate leads to. */}}
{{- define "claviger.caVolume" -}}
{{- $external := .Values.controller.externalBroker.ca -}}
- name: ca
{{- if and (not .Values.broker.enabled) $external.configMapName }}
  configMap:
    name: {{ $external.configMapName }}
    items:
      - {key: {{ $external.key | quote }}, path: ca.crt}
{{- else if not .Values.broker.enabled }}
  secret:
    secretName: {{ required "controller.externalBroker.ca.secretName or configMapName is required: what the broker's certificate leads to." $external.secretName }}
    defaultMode: {{ include "claviger.secretMode" . }}
    items:
      - {key: {{ $external.key | quote }}, path: ca.crt}
{{- else }}
  secret:
    secretName: {{ include "claviger.caSecret" . }}
    defaultMode: {{ include "claviger.secretMode" . }}
    items:
      - {key: {{ .Values.broker.tls.ca.key | quote }}, path: ca.crt}
{{- end }}
{{- end }}

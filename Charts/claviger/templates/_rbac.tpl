{{/* What the controller may do with kinds of claviger.dev (docs/controller.md). */}}
{{- define "claviger.controllerRules" -}}
{{- $written := list -}}
{{- range . -}}
{{- $written = append $written (printf "%s/status" .) -}}
{{- end -}}
{{- /* For the finalizers. */ -}}
{{- if has "brokeredsecrets" . -}}
{{- $written = append $written "brokeredsecrets" -}}
{{- end -}}
- apiGroups: [claviger.dev]
  resources:
    {{- toYaml . | nindent 4 }}
  verbs: [get, list, watch]
- apiGroups: [claviger.dev]
  resources:
    {{- toYaml $written | nindent 4 }}
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

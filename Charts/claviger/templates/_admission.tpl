{{/* The namespaces whose pods get agents. */}}
{{- define "claviger.injectedNamespaces" -}}
matchExpressions:
  - {key: claviger.dev/injection, operator: In, values: [enabled]}
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      {{- append .Values.injection.excludedNamespaces .Release.Namespace | uniq | toYaml | nindent 6 }}
  {{- if and .Values.controller.namespaces (eq .Values.injection.mode "Webhook") }}
  # The controller sees the profiles of these alone.
  - key: kubernetes.io/metadata.name
    operator: In
    values:
      {{- toYaml .Values.controller.namespaces | nindent 6 }}
  {{- end }}
{{- end }}

{{/* The binding that makes a policy deny: (dict "root" $ "name" "…" "labels" "…"). */}}
{{- define "claviger.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- .labels | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{/* {"cpu": "10m", "memory": "48Mi"} */}}
{{- define "claviger.celQuantities" -}}
{{- $parts := list -}}
{{- range $name, $quantity := . -}}
{{- $parts = append $parts (printf "%q: %q" $name (toString $quantity)) -}}
{{- end -}}
{ {{- join ", " $parts -}} }
{{- end }}

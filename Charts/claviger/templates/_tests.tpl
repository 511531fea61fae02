{{- define "claviger.testContainer" -}}
resources:
  {{- toYaml .Values.tests.resources | nindent 2 }}
securityContext:
  {{- include "claviger.containerSecurityContext" . | nindent 2 }}
volumeMounts:
  - {name: ca, mountPath: /etc/claviger/ca, readOnly: true}
{{- end }}

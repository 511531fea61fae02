{{/* One rule: (dict "to" or "from" a list of peers, which may be empty, and "ports" numbers). */}}
{{- define "claviger.networkRule" -}}
{{- $rule := dict -}}
{{- with .to -}}{{- $_ := set $rule "to" . -}}{{- end -}}
{{- with .from -}}{{- $_ := set $rule "from" . -}}{{- end -}}
{{- $ports := list -}}
{{- range .ports -}}{{- $ports = append $ports (dict "protocol" "TCP" "port" (int .)) -}}{{- end -}}
{{- $_ := set $rule "ports" $ports -}}
{{- toYaml $rule -}}
{{- end }}

{{- define "claviger.dnsRule" -}}
{{- $rule := dict "ports" (list (dict "protocol" "UDP" "port" 53) (dict "protocol" "TCP" "port" 53)) -}}
{{- with .Values.networkPolicy.dnsTo -}}{{- $_ := set $rule "to" . -}}{{- end -}}
{{- toYaml $rule -}}
{{- end }}

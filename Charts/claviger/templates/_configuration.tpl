{{/* The broker's configuration file. The paths are those that broker-deployment.yaml mounts. */}}
{{- define "claviger.brokerConfiguration" -}}
{{- $settings := deepCopy .Values.broker.configuration -}}
{{- $_ := set $settings "listen" (list "0.0.0.0:8080") -}}
{{- $_ := set $settings "keyEncryptionKeyFile" "/etc/claviger/kek/kek" -}}
{{- $_ := set $settings "transport" (dict "certificateFile" "/etc/claviger/tls/tls.crt" "keyFile" "/etc/claviger/tls/tls.key") -}}
{{- $database := deepCopy (default (dict) $settings.database) -}}
{{- $_ := set $database "urlFile" "/etc/claviger/database/url" -}}
{{- $_ := set $settings "database" $database -}}
{{- $admin := dict "mode" "DenyAll" -}}
{{- if .Values.broker.admin.identityProviders -}}
{{- $providers := list -}}
{{- range $index, $provider := .Values.broker.admin.identityProviders -}}
{{- $entry := dict "issuer" $provider.issuer "audience" $provider.audience -}}
{{- if $provider.publicKey -}}
{{- $_ := set $entry "publicKeyFile" (printf "/etc/claviger/admin/%d/public-key.pem" $index) -}}
{{- end -}}
{{- if $provider.jwkSet -}}
{{- $_ := set $entry "jwkSetFile" (printf "/etc/claviger/admin/%d/jwks.json" $index) -}}
{{- end -}}
{{- $providers = append $providers $entry -}}
{{- end -}}
{{- $admin = dict "mode" "AuthenticatedAuthorization" "identityProviders" $providers "accessList" .Values.broker.admin.accessList "maximumTokenLifetime" .Values.broker.admin.maximumTokenLifetime -}}
{{- end -}}
{{- $_ := set $settings "admin" $admin -}}
{{- toYaml $settings -}}
{{- end }}

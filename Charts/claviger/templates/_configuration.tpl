{{/* The clusters whose controllers the broker knows, as a list below `clusters`. The first one is this release's own. */}}
{{- define "claviger.clusters" -}}
{{- $clusters := list -}}
{{- $controller := .Values.controller -}}
{{- if and $controller.enabled (eq $controller.mode "Cluster") -}}
{{- $account := dict "namespace" .Release.Namespace "name" (printf "%s-controller" (include "claviger.fullname" .)) -}}
{{- $own := dict "source" $controller.source "issuer" $controller.identity.issuer "audience" $controller.identity.audience "serviceAccount" $account "policyBundles" $controller.policyBundles -}}
{{- if $controller.identity.jwkSet.configMapName -}}
{{- $_ := set $own "jwkSet" $controller.identity.jwkSet -}}
{{- end -}}
{{- $clusters = append $clusters $own -}}
{{- end -}}
{{- $clusters = concat $clusters .Values.broker.admin.clusters -}}
{{- $sources := list -}}
{{- range $clusters -}}
{{- if has .source $sources -}}
{{- fail (printf "broker.admin.clusters: the source %s is given twice; two clusters never share one." .source) -}}
{{- end -}}
{{- $sources = append $sources .source -}}
{{- end -}}
{{- toYaml (dict "clusters" $clusters) -}}
{{- end }}

{{/* The broker's configuration file. The paths are those that broker-deployment.yaml mounts. */}}
{{- define "claviger.brokerConfiguration" -}}
{{- $settings := deepCopy .Values.broker.configuration -}}
{{- $_ := set $settings "listen" (list "0.0.0.0:8080") -}}
{{- $_ := set $settings "keyEncryptionKeyFile" "/etc/claviger/kek/kek" -}}
{{- $_ := set $settings "transport" (dict "certificateFile" "/etc/claviger/tls/tls.crt" "keyFile" "/etc/claviger/tls/tls.key") -}}
{{- $database := deepCopy (default (dict) $settings.database) -}}
{{- $_ := set $database "urlFile" "/etc/claviger/database/url" -}}
{{- $_ := set $settings "database" $database -}}
{{- $providers := list -}}
{{- $rules := list -}}
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
{{- if $providers -}}
{{- $rules = .Values.broker.admin.accessList -}}
{{- end -}}
{{- range $index, $cluster := (include "claviger.clusters" . | fromYaml).clusters -}}
{{- $role := printf "controller-of-%s" $cluster.source -}}
{{- $source := regexReplaceAll "[.]" $cluster.source "\\." -}}
{{- $account := printf "system:serviceaccount:%s:%s" $cluster.serviceAccount.namespace $cluster.serviceAccount.name -}}
{{- $entry := dict "issuer" $cluster.issuer "audience" $cluster.audience "roles" (list (dict "subject" $account "role" $role)) -}}
{{- $folder := printf "/etc/claviger/clusters/%d" $index -}}
{{- if $cluster.jwkSet -}}
{{- $_ := set $entry "jwkSetFile" (printf "%s/jwks.json" $folder) -}}
{{- else -}}
{{- $_ := set $entry "discovery" true -}}
{{- $_ := set $entry "caFile" (printf "%s/ca.crt" $folder) -}}
{{- $_ := set $entry "tokenFile" (printf "%s/token" $folder) -}}
{{- end -}}
{{- $providers = append $providers (dict "kubernetes" $entry) -}}
{{- $rules = append $rules (dict "role" $role "allowedEndpoints" (printf "^/claviger/v1/sources/%s/policies$" $source) "methods" (list "PUT")) -}}
{{- $rules = append $rules (dict "role" $role "allowedEndpoints" (printf "^/claviger/v1/sources/%s/secrets/[^/]+/[^/]+$" $source) "methods" (list "PUT" "DELETE")) -}}
{{- $rules = append $rules (dict "role" $role "allowedEndpoints" "^/claviger/v1/policies/status$" "methods" (list "GET")) -}}
{{- if $cluster.policyBundles -}}
{{- $rules = append $rules (dict "role" $role "allowedEndpoints" "^/claviger/v1/policies$" "methods" (list "POST")) -}}
{{- end -}}
{{- end -}}
{{- $admin := dict "mode" "DenyAll" -}}
{{- if $providers -}}
{{- $admin = dict "mode" "AuthenticatedAuthorization" "identityProviders" $providers "accessList" $rules "maximumTokenLifetime" .Values.broker.admin.maximumTokenLifetime -}}
{{- end -}}
{{- $_ := set $settings "admin" $admin -}}
{{- toYaml $settings -}}
{{- end }}

{{/* Pieces of NetworkPolicies. */}}
{{- define "sluice.policy.fromKnative" -}}
# The activator, the autoscaler and Knative's gateway, at the proxy in front of the function.
- from:
    {{- range append .Values.networkPolicies.knativeNamespaces .Values.knativeGateway.namespace }}
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ . }} } }
    {{- end }}
  ports:
    - { port: 8012, protocol: TCP }
    - { port: 8013, protocol: TCP }
    - { port: 8112, protocol: TCP }
    - { port: 8022, protocol: TCP }
    - { port: 9090, protocol: TCP }
{{- end }}

{{/* [root, port of the metrics] */}}
{{- define "sluice.policy.fromMonitoring" -}}
- from:
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ (index . 0).Values.networkPolicies.monitoringNamespace }} } }
  ports:
    - { port: {{ index . 1 }}, protocol: TCP }
    - { port: 9091, protocol: TCP }
{{- end }}

{{- define "sluice.policy.dns" -}}
- to:
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } }
  ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- end }}

{{/* To a store: [root, whether it is of this chart, its pods' labels as JSON, ports]. One elsewhere may be anywhere. */}}
{{- define "sluice.policy.store" -}}
{{- $ports := index . 3 }}
{{- if index . 1 }}
- to:
    - podSelector: { matchLabels: {{ index . 2 | toJson }} }
  ports:
    {{- range $ports }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- else }}
- to:
    - ipBlock: { cidr: 0.0.0.0/0 }
    - ipBlock: { cidr: "::/0" }
{{- end }}
{{- end }}

{{/* What a function may reach, by the settings it reads: [root, row, names]. */}}
{{- define "sluice.policy.egress" -}}
{{- $root := index . 0 -}}
{{- $row := index . 1 -}}
{{- $names := index . 2 -}}
{{- $v := $root.Values -}}
{{- $release := $root.Release.Name -}}
{{- include "sluice.policy.dns" $root }}
{{- if has "SLUICE_CATALOG_URL" $names }}
{{- include "sluice.policy.store" (list $root (ne $v.postgres.kind "external") (include "sluice.postgres.labels" $root | fromYaml) (list 5432)) }}
{{- end }}
{{- if has "SLUICE_WAREHOUSE_URL" $names }}
{{- include "sluice.policy.store" (list $root (ne $v.clickhouse.kind "external") (dict "clickhouse.altinity.com/chi" $release) (list 8123 8443)) }}
{{- end }}
{{- if has "SLUICE_CACHE_URL" $names }}
{{- include "sluice.policy.store" (list $root (ne $v.valkey.kind "external") (dict "app.kubernetes.io/name" "valkey" "app.kubernetes.io/instance" $release) (list 6379)) }}
{{- end }}
{{- if has "SLUICE_OBJECTS_URL" $names }}
{{- include "sluice.policy.store" (list $root (ne $v.objects.kind "external") (dict "app.kubernetes.io/name" "minio" "app.kubernetes.io/instance" $release) (list 9000)) }}
{{- end }}
{{- if has "SLUICE_BUS_URL" $names }}
{{- include "sluice.policy.store" (list $root (eq $v.kafka.kind "strimzi") (dict "strimzi.io/cluster" $release "strimzi.io/kind" "Kafka") (list 9092 9093)) }}
{{- end }}
{{- $asksFunctions := has "SLUICE_WORK_URL" $names }}
{{- range $row.topics }}{{- if eq .topic "dead-letter" }}{{- $asksFunctions = true }}{{- end }}{{- end }}
{{- if $asksFunctions }}
# Other functions, by Knative's gateway inside the cluster.
- to:
    {{- range append $v.networkPolicies.knativeNamespaces $v.knativeGateway.namespace }}
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ . }} } }
    {{- end }}
{{- end }}
{{- if has "SLUICE_TRACE_TO" $names }}
# A collector of traces (OTLP).
- to:
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ $v.networkPolicies.monitoringNamespace }} } }
  ports:
    - { port: 4318, protocol: TCP }
{{- end }}
{{- $outside := false }}
{{- range list "SLUICE_SMTP_URL" "SLUICE_OUTGOING_ALLOW" "SLUICE_OIDC_ISSUER" "SLUICE_EXPORT_DESTINATIONS" "SLUICE_BACKUP_URL" }}
{{- if has . $names }}{{- $outside = true }}{{- end }}
{{- end }}
{{- if $outside }}
# Mail servers, webhooks, sign-in providers, storages of others.
- to:
    - ipBlock: { cidr: 0.0.0.0/0, except: {{ $v.networkPolicies.privateNetworks | toJson }} }
{{- end }}
{{- end }}

{{- define "sluice.postgres.labels" -}}
{{- if eq .Values.postgres.kind "cloudnativepg" -}}
cnpg.io/cluster: {{ .Release.Name }}-postgres
{{- else -}}
app.kubernetes.io/name: postgres
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- end }}

{{/*
Environment of a container of ours: [root, names of settings, overrides]. Each name comes from where it belongs: the
URL of a store, a key of the secret, or the config map. A password is read from its secret into a variable of its own,
which the kubelet puts into the URL, so no URL with a password is ever in an object.
*/}}
{{- define "sluice.env" -}}
{{- $root := index . 0 -}}
{{- $names := index . 1 -}}
{{- $over := index . 2 -}}
{{- $lists := include "sluice.settings" $root | fromYaml -}}
{{- $kafka := $root.Values.kafka.auth -}}
{{- range $names }}
{{- if hasKey $over . }}
- name: {{ . }}
  value: {{ get $over . | quote }}
{{- else if eq . "SLUICE_CATALOG_URL" }}
{{- include "sluice.env.catalog" $root }}
{{- else if eq . "SLUICE_WAREHOUSE_URL" }}
{{- include "sluice.env.warehouse" $root }}
{{- else if eq . "SLUICE_CACHE_URL" }}
{{- include "sluice.env.cache" $root }}
{{- else if eq . "SLUICE_OBJECTS_URL" }}
{{- include "sluice.env.objects" $root }}
{{- else if eq . "SLUICE_BUS_URL" }}
- name: SLUICE_BUS_URL
  value: {{ printf "%s://%s" (ternary "kafka+ssl" "kafka" $root.Values.tls.enabled) (include "sluice.kafkaServers" $root) | quote }}
{{- else if has . (list "SLUICE_KAFKA_USER" "SLUICE_KAFKA_PASSWORD" "SLUICE_KAFKA_SASL") }}
{{- if $kafka.enabled }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $kafka.secret }}
      key: {{ get (dict "SLUICE_KAFKA_USER" "user" "SLUICE_KAFKA_PASSWORD" "password" "SLUICE_KAFKA_SASL" "sasl.mechanism") . }}
{{- end }}
{{- else if has . $lists.secrets }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $root.Values.secrets.name }}
      key: {{ . }}
      {{- if not (has . $lists.required) }}
      optional: true
      {{- end }}
{{- else }}
- name: {{ . }}
  valueFrom:
    configMapKeyRef: { name: {{ $root.Release.Name }}-settings, key: {{ . }}, optional: true }
{{- end }}
{{- end }}
{{- range $name, $value := $over }}
{{- if not (has $name $names) }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- if $root.Values.tls.enabled }}
# Our CA beside those of the system, for everything that speaks TLS (docs/encryption.md).
- name: SSL_CERT_FILE
  value: /etc/sluice/ca/ca.crt
{{- end }}
{{- end }}

{{/* A password out of the secret: [root, variable, key]. */}}
{{- define "sluice.env.password" -}}
{{- $root := index . 0 }}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef: { name: {{ index . 3 | default $root.Values.secrets.name }}, key: {{ index . 2 }} }
{{- end }}

{{/* A whole URL out of the secret, for a store that is not of this chart: [root, name]. */}}
{{- define "sluice.env.url" -}}
{{- $root := index . 0 }}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef: { name: {{ $root.Values.secrets.name }}, key: {{ index . 1 }} }
{{- end }}

{{- define "sluice.env.catalog" -}}
{{- $host := printf "%s-postgres" .Release.Name -}}
{{- $tls := ternary "?sslmode=verify-full&sslrootcert=/etc/sluice/ca/ca.crt" "" .Values.tls.enabled -}}
{{- if eq .Values.postgres.kind "external" }}
{{- include "sluice.env.url" (list . "SLUICE_CATALOG_URL") }}
{{- else }}
{{- if eq .Values.postgres.kind "cloudnativepg" }}
{{- $host = printf "%s-postgres-rw" .Release.Name }}
{{- include "sluice.env.password" (list . "POSTGRES_PASSWORD" "password" .Values.postgres.cloudnativepg.secret) }}
{{- else }}
{{- include "sluice.env.password" (list . "POSTGRES_PASSWORD" "POSTGRES_PASSWORD" "") }}
{{- end }}
- name: SLUICE_CATALOG_URL
  value: {{ printf "postgresql://%s:$(POSTGRES_PASSWORD)@%s.%s.svc.%s:5432/%s%s" .Values.postgres.user $host .Release.Namespace .Values.clusterDomain .Values.postgres.database $tls | quote }}
{{- end }}
{{- end }}

{{- define "sluice.env.warehouse" -}}
{{- if eq .Values.clickhouse.kind "external" }}
{{- include "sluice.env.url" (list . "SLUICE_WAREHOUSE_URL") }}
{{- else }}
{{- include "sluice.env.password" (list . "CLICKHOUSE_PASSWORD" "CLICKHOUSE_PASSWORD" "") }}
- name: SLUICE_WAREHOUSE_URL
  value: {{ printf "%s://%s:$(CLICKHOUSE_PASSWORD)@clickhouse-%s.%s.svc.%s:%s/%s%s" (ternary "https" "http" .Values.tls.enabled) .Values.clickhouse.user .Release.Name .Release.Namespace .Values.clusterDomain (ternary "8443" "8123" .Values.tls.enabled) .Values.clickhouse.database (ternary "?cluster=sluice" "" (gt (int .Values.clickhouse.replicas) 1)) | quote }}
{{- end }}
{{- end }}

{{- define "sluice.env.cache" -}}
{{- if eq .Values.valkey.kind "external" }}
{{- include "sluice.env.url" (list . "SLUICE_CACHE_URL") }}
{{- else }}
{{- include "sluice.env.password" (list . "VALKEY_PASSWORD" "VALKEY_PASSWORD" "") }}
- name: SLUICE_CACHE_URL
  value: {{ printf "%s://:$(VALKEY_PASSWORD)@%s-valkey.%s.svc.%s:6379/0" (ternary "rediss" "redis" .Values.tls.enabled) .Release.Name .Release.Namespace .Values.clusterDomain | quote }}
{{- end }}
{{- end }}

{{- define "sluice.env.objects" -}}
{{- if eq .Values.objects.kind "external" }}
{{- include "sluice.env.url" (list . "SLUICE_OBJECTS_URL") }}
{{- else }}
{{- include "sluice.env.password" (list . "MINIO_ROOT_PASSWORD" "MINIO_ROOT_PASSWORD" "") }}
- name: SLUICE_OBJECTS_URL
  value: {{ printf "s3://%s:$(MINIO_ROOT_PASSWORD)@%s/?endpoint=%s://%s-minio.%s.svc.%s:9000" .Values.objects.user .Values.objects.bucket (ternary "https" "http" .Values.tls.enabled) .Release.Name .Release.Namespace .Values.clusterDomain | quote }}
{{- if .Values.tls.enabled }}
- name: AWS_CA_BUNDLE
  value: /etc/sluice/ca/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{/* Settings that a function reads; one that files/settings.yaml does not know yet gets all there are. */}}
{{- define "sluice.names" -}}
{{- $lists := include "sluice.settings" (index . 0) | fromYaml -}}
{{- $known := merge (dict) $lists.functions $lists.beside -}}
{{- $every := list -}}
{{- range $known }}{{- $every = concat $every . -}}{{- end -}}
names: {{ get $known (index . 1) | default ($every | uniq | sortAlpha) | toJson }}
{{- end }}

{{/* Mounts and volumes of a container of ours. */}}
{{- define "sluice.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .Values.tls.enabled }}
- { name: ca, mountPath: /etc/sluice/ca, readOnly: true }
{{- end }}
{{- end }}

{{- define "sluice.volumes" -}}
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
{{- if .Values.tls.enabled }}
- name: ca
  secret: { secretName: {{ .Values.tls.caSecret }}, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- end }}

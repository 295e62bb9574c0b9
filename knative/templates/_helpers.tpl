{{/* What every object carries. */}}
{{- define "sluice.labels" -}}
app.kubernetes.io/part-of: sluice
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "sluice.table" -}}{{ .Files.Get "functions.yaml" }}{{- end }}

{{- define "sluice.settings" -}}{{ .Files.Get "files/settings.yaml" }}{{- end }}

{{/* The service name of a function: query_count → query-count. */}}
{{- define "sluice.service" -}}{{ . | replace "_" "-" }}{{- end }}

{{- define "sluice.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.image.prefix }}/{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* One row of the table as it is run: with the overrides of `functions` and, for `web`, its own. As YAML. */}}
{{- define "sluice.run" -}}
{{- $root := index . 0 -}}
{{- $row := index . 1 -}}
{{- $over := get $root.Values.functions $row.name | default dict -}}
{{- $scale := merge (dict) ($over.scale | default dict) $row.scale -}}
{{- $most := int $scale.max -}}
{{- if and (gt (int $root.Values.defaults.maxScale) 0) (gt $most (int $root.Values.defaults.maxScale)) -}}
{{- $most = int $root.Values.defaults.maxScale -}}
{{- end -}}
{{- $cpu := merge (dict) ($over.cpu | default dict) ($row.cpu | default dict) $root.Values.defaults.cpu -}}
min: {{ int $scale.min }}
max: {{ $most }}
concurrency: {{ int ($over.concurrency | default $row.concurrency) }}
memory: {{ $over.memory | default $row.memory }}
timeout: {{ int $row.timeout }}
cpu: { request: {{ $cpu.request | quote }}, limit: {{ $cpu.limit | quote }} }
{{- end }}

{{/* The services that the public hosts lead to; everything else stays inside the cluster. As YAML: service: host. */}}
{{- define "sluice.public" -}}
ingest: {{ .Values.hosts.collect }}.{{ .Values.domain }}
gateway: {{ .Values.hosts.api }}.{{ .Values.domain }}
web: {{ .Values.hosts.app }}.{{ .Values.domain }}
{{- end }}

{{/* Where a function is inside the cluster; {service} stands for its name. */}}
{{- define "sluice.functionsUrl" -}}
http://{service}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* Topics whose readers take different types: they go through the broker, so that a record wakes only its reader. */}}
{{- define "sluice.sharedTopics" -}}
{{- $seen := dict -}}
{{- $shared := dict -}}
{{- range (include "sluice.table" . | fromYaml).functions -}}
{{- range .topics -}}
{{- $types := .types | sortAlpha | join "," -}}
{{- if and (hasKey $seen .topic) (ne (get $seen .topic) $types) }}{{- $_ := set $shared .topic true -}}{{- end -}}
{{- $_ := set $seen .topic $types -}}
{{- end -}}
{{- end -}}
topics: {{ keys $shared | sortAlpha | toJson }}
{{- end }}

{{- define "sluice.topics" -}}
{{- $found := dict "broker" true -}}
{{- range (include "sluice.table" . | fromYaml).functions -}}{{- range .topics -}}{{- $_ := set $found .topic true -}}{{- end -}}{{- end -}}
topics: {{ keys $found | sortAlpha | toJson }}
{{- end }}

{{- define "sluice.kafkaServers" -}}
{{- if eq .Values.kafka.kind "strimzi" -}}
{{ .Release.Name }}-kafka-bootstrap.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ ternary "9093" "9092" .Values.tls.enabled }}
{{- else -}}
{{ required "kafka.bootstrap: the servers of your Kafka, host:port,host:port" .Values.kafka.bootstrap }}
{{- end -}}
{{- end }}

{{/* CPU and memory of a container, from {cpu: {request, limit}, memory}. Memory is not overcommitted. */}}
{{- define "sluice.resources" -}}
requests: { cpu: {{ .cpu.request | quote }}, memory: {{ .memory }} }
limits: { cpu: {{ .cpu.limit | quote }}, memory: {{ .memory }} }
{{- end }}

{{- define "sluice.confined" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* The public hosts by what is before Knative's gateway. */}}
{{- define "sluice.publicUrl" -}}
{{ .Values.publicScheme }}://{{ .Values.hosts.app }}.{{ .Values.domain }}
{{- end }}

{{- define "sluice.storageClass" -}}
{{- with .Values.storage.className }}storageClassName: {{ . }}{{ end }}
{{- end }}

{{/* A new revision where a setting changes: the config map is read at the start only. */}}
{{- define "sluice.checksum" -}}
{{ dict "settings" .Values.settings "domain" .Values.domain "kafka" .Values.kafka.topics | toJson | sha256sum | trunc 16 }}
{{- end }}

{{/* What an HTTPRoute leads to: [root, service]. */}}
{{- define "sluice.backend" -}}
{{- $root := index . 0 -}}
{{- if and (eq (index . 1) "web") (eq $root.Values.web.kind "Deployment") -}}
- { name: {{ $root.Release.Name }}-web, port: 80 }
{{- else -}}
- { name: {{ $root.Values.knativeGateway.service }}, namespace: {{ $root.Values.knativeGateway.namespace }}, port: {{ int $root.Values.knativeGateway.port }} }
{{- end -}}
{{- end }}

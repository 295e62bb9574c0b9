{{- define "sluice.deadLetters" -}}{{ .Release.Name }}-dead-letters{{- end }}

{{/* Copies of a topic: what the brokers of ours allow. */}}
{{- define "sluice.copies" -}}
{{- if eq .Values.kafka.kind "strimzi" }}{{ min 3 (int .Values.kafka.brokers) }}{{ else }}{{ .Values.kafka.topics.copies | default 3 }}{{ end -}}
{{- end }}

{{/* Complete, as a field that is missing counts as 0, and without a dead letter sink a record would be lost. */}}
{{- define "sluice.delivery" -}}
{{- with .Values.eventing.delivery -}}
retry: {{ int .retry }}
backoffPolicy: {{ .backoffPolicy }}
backoffDelay: {{ .backoffDelay }}
timeout: {{ .timeout }}
{{- end }}
deadLetterSink:
  ref: { apiVersion: eventing.knative.dev/v1alpha1, kind: KafkaSink, name: {{ include "sluice.deadLetters" . }}, namespace: {{ .Release.Namespace }} }
{{- end }}

{{/* A KafkaSource without its sink: [root, topic, group, consumers]. */}}
{{- define "sluice.source" -}}
{{- $root := index . 0 -}}
{{- $auth := $root.Values.kafka.auth -}}
bootstrapServers: {{ include "sluice.kafkaServers" $root | splitList "," | toJson }}
topics: [{{ index . 1 }}]
consumerGroup: {{ index . 2 }}
initialOffset: earliest
ordering: unordered
consumers: {{ int (index . 3) }}
delivery:
  {{- include "sluice.delivery" $root | nindent 2 }}
{{- if or $auth.enabled $root.Values.tls.enabled }}
net:
  {{- if $auth.enabled }}
  sasl:
    enable: true
    user: { secretKeyRef: { name: {{ $auth.knativeSecret }}, key: user } }
    password: { secretKeyRef: { name: {{ $auth.knativeSecret }}, key: password } }
    type: { secretKeyRef: { name: {{ $auth.knativeSecret }}, key: sasl.mechanism } }
  {{- end }}
  {{- if $root.Values.tls.enabled }}
  tls:
    enable: true
    caCert: { secretKeyRef: { name: {{ $root.Values.tls.caSecret }}, key: ca.crt } }
  {{- end }}
{{- end }}
{{- end }}

{{/* A Trigger for these types: [root, name, types, reference of the subscriber]. */}}
{{- define "sluice.trigger" -}}
{{- $root := index . 0 }}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: {{ $root.Release.Name }}-{{ index . 1 }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" $root | nindent 4 }}
  annotations:
    kafka.eventing.knative.dev/delivery.order: unordered
spec:
  broker: {{ $root.Release.Name }}
  filters:
    - any:
        {{- range index . 2 }}
        - exact: { type: {{ . }} }
        {{- end }}
  subscriber: { ref: {{ index . 3 | toJson }} }
  delivery:
    {{- include "sluice.delivery" $root | nindent 4 }}
{{- end }}

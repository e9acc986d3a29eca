{{/* Who reads secure metrics with a token of its own, and the name of the Secret with that token. */}}
{{- define "varmenne-issuer.metricsReader" -}}
{{ include "varmenne-issuer.fullname" . }}-metrics-reader
{{- end }}

{{/*
The namespace of a monitor that needs this token, which has to be in the same one; empty where none does. A file with the token
of Prometheus' own ServiceAccount would do too, but not where tenants share a Prometheus: it refuses monitors with files.
*/}}
{{- define "varmenne-issuer.metricsReaderNamespace" -}}
{{- if .Values.metrics.secure }}
{{- range list .Values.metrics.serviceMonitor .Values.metrics.podMonitor }}
{{- if and .enabled (not .authorization) }}{{ default $.Release.Namespace .namespace }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A ServiceMonitor or PodMonitor. Takes context, kind, and monitor: the values of it; and component and name, where they are not
the controller's.
*/}}
{{- define "varmenne-issuer.monitor" -}}
{{- $names := dict "context" .context "component" (default "controller" .component) }}
{{- $name := default (include "varmenne-issuer.fullname" .context) .name }}
{{- $secure := .context.Values.metrics.secure }}
{{- $token := include "varmenne-issuer.metricsReader" .context }}
{{- $service := eq .kind "ServiceMonitor" }}
{{- with .monitor }}
apiVersion: monitoring.coreos.com/v1
kind: {{ $.kind }}
metadata:
  name: {{ $name }}
  namespace: {{ default $.context.Release.Namespace .namespace | quote }}
  labels:
    {{- include "varmenne-issuer.labels" (merge (dict "labels" .labels) $names) | nindent 4 }}
spec:
  {{- if $service }}
  # The series bear the name of the release.
  jobLabel: app.kubernetes.io/instance
  {{- end }}
  namespaceSelector:
    matchNames: [{{ $.context.Release.Namespace | quote }}]
  selector:
    matchLabels:
      {{- include "varmenne-issuer.selectorLabels" $names | nindent 6 }}
  {{ $service | ternary "endpoints" "podMetricsEndpoints" }}:
  - port: metrics
    path: /metrics
    # The label namespace of a series is that of the object which it is about.
    honorLabels: true
    interval: {{ .interval }}
    scrapeTimeout: {{ .scrapeTimeout }}
    {{- if $secure }}
    scheme: https
    tlsConfig:
      {{- .tlsConfig | default (dict "insecureSkipVerify" true) | toYaml | nindent 6 }}
    authorization:
      {{- .authorization | default (dict "credentials" (dict "name" $token "key" "token")) | toYaml | nindent 6 }}
    {{- end }}
    {{- with .relabelings }}
    relabelings:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .metricRelabelings }}
    metricRelabelings:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}

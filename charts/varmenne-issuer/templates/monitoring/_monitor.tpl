{{/* A ServiceMonitor or PodMonitor. Takes context, kind, and monitor: the values of it. */}}
{{- define "varmenne-issuer.monitor" -}}
{{- $names := dict "context" .context "component" "controller" }}
{{- $secure := .context.Values.metrics.secure }}
{{- $service := eq .kind "ServiceMonitor" }}
{{- with .monitor }}
apiVersion: monitoring.coreos.com/v1
kind: {{ $.kind }}
metadata:
  name: {{ include "varmenne-issuer.fullname" $.context }}
  namespace: {{ default $.context.Release.Namespace .namespace }}
  labels:
    {{- include "varmenne-issuer.labels" $names | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- if $service }}
  # The series bear the name of the release.
  jobLabel: app.kubernetes.io/instance
  {{- end }}
  namespaceSelector:
    matchNames: [{{ $.context.Release.Namespace }}]
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
    {{- if .authorization }}
    authorization:
      {{- toYaml .authorization | nindent 6 }}
    {{- else }}
    bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
    {{- end }}
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

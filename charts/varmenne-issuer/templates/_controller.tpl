{{/* The flags that the chart makes of its values. */}}
{{- define "varmenne-issuer.controllerArgs" -}}
- --namespace={{ .Release.Namespace }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
- --leader-elect={{ .Values.leaderElection.enabled }}
- --leader-elect-resource-name={{ include "varmenne-issuer.fullname" . }}
- --leader-elect-lease-duration={{ .Values.leaderElection.leaseDuration }}
- --leader-elect-renew-deadline={{ .Values.leaderElection.renewDeadline }}
- --leader-elect-retry-period={{ .Values.leaderElection.retryPeriod }}
- --workers={{ .Values.workers }}
- --calls-per-issuer={{ .Values.callsPerIssuer }}
- {{ printf "--allowed-endpoints=%s" (include "varmenne-issuer.allowedEndpoints" .) | quote }}
- --allowed-endpoints-cluster={{ .Values.allowedEndpoints.cluster }}
- --call-timeout={{ .Values.callTimeout }}
- --order-retention={{ .Values.orderRetention }}
- --manual={{ .Values.manual.enabled }}
- --log-level={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
- --health-probe-bind-address=:{{ .Values.probes.port }}
- --metrics-bind-address={{ .Values.metrics.enabled | ternary (printf ":%v" .Values.metrics.port) "0" }}
{{- if and .Values.metrics.enabled .Values.metrics.secure }}
- --metrics-secure
{{- if .Values.metrics.certificateSecretName }}
- --metrics-cert-dir=/etc/varmenne-issuer/metrics
{{- end }}
{{- end }}
{{- end }}

{{/* Whom VeroIssuers may have called: the simulator of the chart is meant where it is enabled, under both of its names. */}}
{{- define "varmenne-issuer.allowedEndpoints" -}}
{{- $hosts := .Values.allowedEndpoints.hosts | default list }}
{{- if .Values.simulator.enabled }}
{{- $simulator := include "varmenne-issuer.simulator.host" . }}
{{- $hosts = concat $hosts (list (printf "%s:8443" $simulator) (printf "%s.cluster.local:8443" $simulator)) }}
{{- end }}
{{- uniq $hosts | join "," }}
{{- end }}

{{/*
The chart's flags, but for those that the user sets as an argument or a variable, which are the last word; and the user's
arguments.
*/}}
{{- define "varmenne-issuer.allControllerArgs" -}}
{{- $given := dict }}
{{- range .Values.extraArgs }}
{{- with regexFind "^--[^=]+" . }}{{ $_ := set $given . true }}{{ end }}
{{- end }}
{{- range .Values.extraEnv }}
{{- with regexFind "^VARMENNE_.+" .name }}
{{- $_ := set $given (trimPrefix "VARMENNE_" . | replace "_" "-" | lower | printf "--%s") true }}
{{- end }}
{{- end }}
{{- $ours := list }}
{{- range include "varmenne-issuer.controllerArgs" . | fromYamlArray }}
{{- if not (hasKey $given (regexFind "^--[^=]+" .)) }}{{ $ours = append $ours . }}{{ end }}
{{- end }}
{{- concat $ours (.Values.extraArgs | default list) | toYaml }}
{{- end }}

{{/* The volumes that the chart makes of its values. */}}
{{- define "varmenne-issuer.controllerVolumes" -}}
{{- if include "varmenne-issuer.hasCABundle" . }}
- name: ca-bundle
  {{- if .Values.caBundle.secretName }}
  secret:
    secretName: {{ .Values.caBundle.secretName }}
  {{- else }}
  configMap:
    name: {{ default (printf "%s-ca-bundle" (include "varmenne-issuer.fullname" .)) .Values.caBundle.configMapName }}
  {{- end }}
    items:
    - key: {{ .Values.caBundle.key }}
      path: ca.crt
{{- end }}
{{- if include "varmenne-issuer.metricsCertificate" . }}
- name: metrics-certificate
  secret:
    secretName: {{ .Values.metrics.certificateSecretName }}
{{- end }}
{{- end }}

{{/* Where they are mounted. */}}
{{- define "varmenne-issuer.controllerVolumeMounts" -}}
{{- if include "varmenne-issuer.hasCABundle" . }}
- name: ca-bundle
  mountPath: /etc/varmenne-issuer/ca
  readOnly: true
{{- end }}
{{- if include "varmenne-issuer.metricsCertificate" . }}
- name: metrics-certificate
  mountPath: /etc/varmenne-issuer/metrics
  readOnly: true
{{- end }}
{{- end }}

{{- define "varmenne-issuer.metricsCertificate" -}}
{{- with .Values.metrics }}{{ if and .enabled .secure .certificateSecretName }}true{{ end }}{{ end }}
{{- end }}

{{/* The name of the objects of the controller that rotates passwords of Suomi.fi Messages, its ServiceAccount and lease included. */}}
{{- define "varmenne-issuer.messages.name" -}}
{{ include "varmenne-issuer.fullname" . }}-messages
{{- end }}

{{/* How long its Pods may take to end: the calls of one decision, and the recording of what they have brought. */}}
{{- define "varmenne-issuer.messages.gracePeriodSeconds" -}}
90
{{- end }}

{{/* Its flags. */}}
{{- define "varmenne-issuer.messages.args" -}}
- messages
- --namespace={{ .Release.Namespace }}
- --namespaces={{ join "," .Values.messages.namespaces }}
- --leader-elect-resource-name={{ include "varmenne-issuer.messages.name" . }}
- --leader-elect-lease-duration={{ .Values.leaderElection.leaseDuration }}
- --leader-elect-renew-deadline={{ .Values.leaderElection.renewDeadline }}
- --leader-elect-retry-period={{ .Values.leaderElection.retryPeriod }}
- {{ printf "--allowed-endpoints=%s" (include "varmenne-issuer.messages.allowedEndpoints" .) | quote }}
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

{{/* Whom MessagesPasswords may have called: the simulator of the chart is meant where it is enabled. */}}
{{- define "varmenne-issuer.messages.allowedEndpoints" -}}
{{- $hosts := .Values.messages.allowedEndpoints | default list }}
{{- if .Values.simulator.enabled }}
{{- $simulator := include "varmenne-issuer.simulator.host" . }}
{{- $hosts = concat $hosts (list (printf "%s:8443" $simulator) (printf "%s.cluster.local:8443" $simulator)) }}
{{- end }}
{{- uniq $hosts | join "," }}
{{- end }}

{{/* Refuses values that each are good, and together cannot work. */}}
{{- define "varmenne-issuer.validate" -}}
{{- include "varmenne-issuer.validateNames" . }}
{{- include "varmenne-issuer.validateLabels" . }}
{{- include "varmenne-issuer.validateLists" . }}
{{- $own := .Release.Namespace }}
{{- with .Values }}
{{- if and (gt (int .replicaCount) 1) (not .leaderElection.enabled) }}
{{- fail "leaderElection.enabled=false needs replicaCount=1: two replicas at work would make every call twice" }}
{{- end }}
{{- if .leaderElection.enabled }}{{ include "varmenne-issuer.validateLease" .leaderElection }}{{ end }}
{{- if .watchNamespaces }}
{{- $known := append .watchNamespaces $own }}
{{- range .secretNamespaces }}
{{- if not (has . $known) }}
{{- fail (printf "secretNamespaces: the controller does not work in %q; add it to watchNamespaces" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if gt (len (compact (list .caBundle.inline .caBundle.configMapName .caBundle.secretName))) 1 }}
{{- fail "caBundle: set one of inline, configMapName and secretName" }}
{{- end }}
{{- if and .caBundle.replace (not (or .caBundle.inline .caBundle.configMapName .caBundle.secretName)) }}
{{- fail "caBundle.replace needs certificates: set inline, configMapName or secretName" }}
{{- end }}
{{- if and .messages.enabled (not .messages.namespaces) }}
{{- fail "messages.enabled needs messages.namespaces: Secrets are read and written in no other namespaces" }}
{{- end }}
{{- if .caBundle.replace }}{{ range .extraEnv }}{{ if has .name (list "SSL_CERT_DIR" "SSL_CERT_FILE") }}
{{- fail (printf "extraEnv: %s names further certificates, and caBundle.replace trusts none but its own; leave one out" .name) }}
{{- end }}{{ end }}{{ end }}
{{- if and .metrics.enabled (eq (int .metrics.port) (int .probes.port)) }}
{{- fail "metrics.port and probes.port are the same" }}
{{- end }}
{{- with .metrics }}
{{- if and .serviceMonitor.enabled .podMonitor.enabled }}
{{- fail "metrics: serviceMonitor and podMonitor together would count everything twice; enable one" }}
{{- end }}
{{- if and (or .serviceMonitor.enabled .podMonitor.enabled .secure) (not .enabled) }}
{{- fail "metrics.enabled=false: there is nothing for serviceMonitor, podMonitor or secure" }}
{{- end }}
{{- if and .certificateSecretName (not .secure) }}
{{- fail "metrics.certificateSecretName needs metrics.secure=true" }}
{{- end }}
{{- if and (include "varmenne-issuer.metricsReaderNamespace" $) (not $.Values.rbac.create) }}
{{- fail "metrics: rbac.create=false, so the chart makes no token that may read secure metrics: set authorization of the monitor" }}
{{- end }}
{{- end }}
{{- if and .proxy.https .proxy.secretName }}
{{- fail "proxy: set one of https and secretName" }}
{{- end }}
{{- if le (include "varmenne-issuer.seconds" .simulator.validity | int) (include "varmenne-issuer.seconds" .simulator.renewalWindow | int) }}
{{- fail "simulator.renewalWindow has to be shorter than simulator.validity" }}
{{- end }}
{{- if and .simulator.enabled .simulator.sample.enabled }}
{{- if and .watchNamespaces (not (has $own .watchNamespaces)) }}
{{- fail (printf "simulator.sample is in the release's namespace: add %q to watchNamespaces" $own) }}
{{- end }}
{{- if and .secretNamespaces (not (has $own .secretNamespaces)) }}
{{- fail (printf "simulator.sample is in the release's namespace: add %q to secretNamespaces" $own) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The rules of leader election. The program has them too, and would end at once. Takes the values of leaderElection. */}}
{{- define "varmenne-issuer.validateLease" -}}
{{- $duration := include "varmenne-issuer.exactSeconds" .leaseDuration | float64 }}
{{- $deadline := include "varmenne-issuer.exactSeconds" .renewDeadline | float64 }}
{{- $period := include "varmenne-issuer.exactSeconds" .retryPeriod | float64 }}
{{- if le $duration $deadline }}
{{- fail "leaderElection.leaseDuration has to be longer than renewDeadline: two replicas would work at a time" }}
{{- end }}
{{- if or (le $deadline (mulf $period 1.2)) (le $period 0.0) }}
{{- fail "leaderElection.retryPeriod has to be longer than nothing, and 1.2 of it shorter than renewDeadline" }}
{{- end }}
{{- end }}

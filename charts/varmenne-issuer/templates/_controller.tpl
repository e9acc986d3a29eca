{{/* The command line of the controller. */}}
{{- define "varmenne-issuer.controllerArgs" -}}
- --namespace={{ .Release.Namespace }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
- --leader-elect={{ .Values.leaderElection.enabled }}
- --leader-elect-resource-name={{ include "varmenne-issuer.fullname" . }}
- --workers={{ .Values.workers }}
- --calls-per-issuer={{ .Values.callsPerIssuer }}
- --call-timeout={{ .Values.callTimeout }}
- --order-retention={{ .Values.orderRetention }}
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
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The environment of the controller. Calls to the API server never go through the proxy. */}}
{{- define "varmenne-issuer.controllerEnv" -}}
{{- with .Values.proxy }}
{{- if .secretName }}
- name: HTTPS_PROXY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: https
{{- else if .https }}
- name: HTTPS_PROXY
  value: {{ .https | quote }}
{{- end }}
{{- with .http }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if include "varmenne-issuer.needsNoProxy" $ }}
- name: NO_PROXY
  value: {{ list "$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,.svc,.cluster.local" .noProxy | compact | join "," | quote }}
{{- end }}
{{- end }}
{{- if include "varmenne-issuer.hasCABundle" . }}
# Certificates from here are added to those of the image's file.
- name: SSL_CERT_DIR
  value: /etc/varmenne-issuer/ca
{{- if .Values.caBundle.replace }}
# In place of the image's file.
- name: SSL_CERT_FILE
  value: /etc/varmenne-issuer/ca/ca.crt
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Whether a proxy is set, here or among the further variables, and nobody says already what is called directly. */}}
{{- define "varmenne-issuer.needsNoProxy" -}}
{{- $names := dict }}
{{- range .Values.extraEnv }}{{ $_ := set $names (upper .name) true }}{{ end }}
{{- with .Values.proxy }}
{{- $proxy := or .https .secretName .http .noProxy (hasKey $names "HTTPS_PROXY") (hasKey $names "HTTP_PROXY") }}
{{- if and $proxy (not (hasKey $names "NO_PROXY")) }}true{{ end }}
{{- end }}
{{- end }}

{{- define "varmenne-issuer.hasCABundle" -}}
{{- with .Values.caBundle }}{{ with or .inline .configMapName .secretName }}true{{ end }}{{ end }}
{{- end }}

{{/* The volumes of the controller. */}}
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
{{- with .Values.extraVolumes }}
{{ toYaml . }}
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
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "varmenne-issuer.metricsCertificate" -}}
{{- with .Values.metrics }}{{ if and .enabled .secure .certificateSecretName }}true{{ end }}{{ end }}
{{- end }}

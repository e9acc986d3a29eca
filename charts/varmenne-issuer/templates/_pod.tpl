{{/* What every Pod of the chart has in common: identity of the image, and where it may run. Takes the context. */}}
{{- define "varmenne-issuer.podPlacement" -}}
{{- with include "varmenne-issuer.imagePullSecrets" . }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName | default (.Values.global | default dict).priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Secrets for the registry, each once. A chart that depends on this one may give their names alone. */}}
{{- define "varmenne-issuer.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range .Values.imagePullSecrets | default (.Values.global | default dict).imagePullSecrets }}
{{- $name := . }}
{{- if kindIs "map" . }}{{ $name = .name }}{{ end }}
{{- $secrets = append $secrets (dict "name" $name) }}
{{- end }}
{{- with $secrets | uniq }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* Image and security of every container. Takes the context. */}}
{{- define "varmenne-issuer.containerImage" -}}
image: {{ include "varmenne-issuer.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The constraints on the spread of the controller's Pods. One without a selector counts those of one revision. */}}
{{- define "varmenne-issuer.topologySpreadConstraints" -}}
{{- $own := dict
      "labelSelector" (dict "matchLabels" (include "varmenne-issuer.selectorLabels" (dict "context" . "component" "controller") | fromYaml))
      "matchLabelKeys" (list "pod-template-hash") }}
{{- range .Values.topologySpreadConstraints }}
- {{ hasKey . "labelSelector" | ternary . (merge (deepCopy .) $own) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end }}

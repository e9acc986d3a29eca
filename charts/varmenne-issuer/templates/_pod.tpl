{{/* What every Pod of the chart has in common: identity of the image, and where it may run. Takes the context. */}}
{{- define "varmenne-issuer.podPlacement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
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

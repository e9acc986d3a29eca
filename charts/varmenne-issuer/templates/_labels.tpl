{{/* One map of several, as YAML. The later ones go before the earlier ones, and no key is there twice. */}}
{{- define "varmenne-issuer.union" -}}
{{- $all := dict }}
{{- range . }}
{{- range $key, $value := . }}{{ $_ := set $all $key $value }}{{ end }}
{{- end }}
{{- with $all }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* What tells the Pods of a component from others; these labels never change. Takes context and component. */}}
{{- define "varmenne-issuer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "varmenne-issuer.name" .context | quote }}
app.kubernetes.io/instance: {{ .context.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/*
Labels of an object of a component. Takes context and component; labels, those that the user gives to this object, which go
before all others; and fixed, those without which the object would be of no use.
*/}}
{{- define "varmenne-issuer.labels" -}}
{{- $values := .context.Values }}
{{- $version := .context.Chart.AppVersion | replace "+" "_" | trunc 63 }}
{{- $chart := printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 }}
{{- $standard := dict
      "app.kubernetes.io/version" (regexReplaceAll "[^A-Za-z0-9]+$" $version "")
      "app.kubernetes.io/managed-by" .context.Release.Service
      "helm.sh/chart" (regexReplaceAll "[^A-Za-z0-9]+$" $chart "") }}
{{- $selector := include "varmenne-issuer.selectorLabels" . | fromYaml }}
{{- include "varmenne-issuer.union" (list $standard $selector ($values.global | default dict).commonLabels $values.commonLabels .labels .fixed) }}
{{- end }}

{{/*
Labels and annotations of a Pod in a template. Takes context and component; own, with the podLabels and podAnnotations of this
Pod alone; and annotations, the chart's.
*/}}
{{- define "varmenne-issuer.podMetadata" -}}
{{- $values := .context.Values }}
{{- $own := default (dict) .own }}
{{- $selector := include "varmenne-issuer.selectorLabels" . | fromYaml }}
labels:
  {{- include "varmenne-issuer.union" (list ($values.global | default dict).commonLabels $values.commonLabels $values.podLabels $own.podLabels $selector) | nindent 2 }}
{{- with include "varmenne-issuer.union" (list .annotations $values.podAnnotations $own.podAnnotations) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

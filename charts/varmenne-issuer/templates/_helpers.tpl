{{/* The chart's name, or what stands in for it. */}}
{{- define "varmenne-issuer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of the release's objects. 48 characters leave room for what is appended. */}}
{{- define "varmenne-issuer.fullname" -}}
{{- $name := include "varmenne-issuer.name" . }}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- $name = .Release.Name }}
{{- else }}
{{- $name = printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- $name | trunc 48 | trimSuffix "-" }}
{{- end }}

{{/* The name of the controller's ServiceAccount. */}}
{{- define "varmenne-issuer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "varmenne-issuer.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* What tells the Pods of a component from others; these labels never change. Takes context and component. */}}
{{- define "varmenne-issuer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "varmenne-issuer.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of an object of a component. Takes context and component. */}}
{{- define "varmenne-issuer.labels" -}}
{{ include "varmenne-issuer.selectorLabels" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The image: a digest goes before a tag. */}}
{{- define "varmenne-issuer.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end }}

{{/* The whole seconds of a duration as Go writes it, rounded up. */}}
{{- define "varmenne-issuer.seconds" -}}
{{- $units := dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 0.001 "us" 0.000001 "µs" 0.000001 "ns" 0.000000001 }}
{{- $seconds := 0.0 }}
{{- range regexFindAll "[0-9.]+[a-zµ]+" . -1 }}
{{- $number := regexFind "[0-9.]+" . }}
{{- $seconds = addf $seconds (mulf (float64 $number) (get $units (trimPrefix $number .))) }}
{{- end }}
{{- ceil $seconds | int }}
{{- end }}

{{/* How long a Pod may take to end: the call under way, and the recording of its outcome. */}}
{{- define "varmenne-issuer.terminationGracePeriodSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- include "varmenne-issuer.seconds" .Values.callTimeout | int | add 30 }}
{{- else }}
{{- .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

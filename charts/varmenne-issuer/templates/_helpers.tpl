{{/* The chart's name, or what stands in for it. */}}
{{- define "varmenne-issuer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The name of the release's objects, a DNS label whatever the release is called: Helm allows dots, and a digit in front, which
the name of a Service may not have. 48 characters leave room for what is appended.
*/}}
{{- define "varmenne-issuer.fullname" -}}
{{- $name := include "varmenne-issuer.name" . }}
{{- $release := .Release.Name | replace "." "-" }}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if regexMatch "^[0-9]" $release }}
{{- $name = printf "%s-%s" $name $release }}
{{- else if contains $name $release }}
{{- $name = $release }}
{{- else }}
{{- $name = printf "%s-%s" $release $name }}
{{- end }}
{{- regexReplaceAll "-+$" ($name | trunc 48) "" }}
{{- end }}

{{/* The name of the controller's ServiceAccount. */}}
{{- define "varmenne-issuer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "varmenne-issuer.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The image: a digest goes before a tag. */}}
{{- define "varmenne-issuer.image" -}}
{{- with .Values.image.registry | default (.Values.global | default dict).imageRegistry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end }}

{{/* The seconds of a duration as Go writes it. */}}
{{- define "varmenne-issuer.exactSeconds" -}}
{{- $units := dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 0.001 "us" 0.000001 "µs" 0.000001 "ns" 0.000000001 }}
{{- $seconds := 0.0 }}
{{- range regexFindAll "[0-9.]+[a-zµ]+" . -1 }}
{{- $number := regexFind "[0-9.]+" . }}
{{- $seconds = addf $seconds (mulf (float64 $number) (get $units (trimPrefix $number .))) }}
{{- end }}
{{- $seconds }}
{{- end }}

{{/* The whole seconds of a duration, rounded up. */}}
{{- define "varmenne-issuer.seconds" -}}
{{- include "varmenne-issuer.exactSeconds" . | float64 | ceil | int }}
{{- end }}

{{/* How long a Pod may take to end: the call under way, and the recording of its outcome. */}}
{{- define "varmenne-issuer.terminationGracePeriodSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- include "varmenne-issuer.seconds" .Values.callTimeout | int | add 30 }}
{{- else }}
{{- .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{/* Old revisions of a Deployment to keep. */}}
{{- define "varmenne-issuer.revisionHistoryLimit" -}}
{{- $limit := 3 }}
{{- range list (.Values.global | default dict).revisionHistoryLimit .Values.revisionHistoryLimit }}
{{- if not (kindIs "invalid" .) }}{{ $limit = . }}{{ end }}
{{- end }}
{{- int $limit }}
{{- end }}

{{- /* The fields of .type, whose path is .prefix, each followed by those inside it: required ones first, then by name.
Fields of the API that may be left out say so with the marker +optional. */ -}}
{{- define "fields" }}
{{- $prefix := .prefix }}{{ $byName := dict }}{{ $required := list }}{{ $optional := list }}
{{- range .type.Members }}
{{- $_ := set $byName .Name . }}
{{- if index .Markers "optional" }}{{ $optional = append $optional .Name }}
{{- else }}{{ $required = append $required .Name }}
{{- end }}
{{- end }}
{{- range $name := concat (sortAlpha $required) (sortAlpha $optional) }}
{{- $field := get $byName $name }}{{ $path := printf "%s.%s" $prefix $name }}
### `{{ $path }}`

*{{ template "type" $field.Type }}, {{ if has $name $required }}required{{ else }}optional{{ end }}
{{- /* That of a list of objects is told by its description. */}}
{{- with $field.Default }}{{ if not (hasPrefix "[map[" (toString .)) }}, default `{{ . }}`{{ end }}{{ end }}.* {{ template "description" $field }}
{{ template "limits" $field }}
{{- if eq (toJson $field.Type.Kind) `"SLICE"` }}{{ $path = printf "%s[]" $path }}{{ end }}
{{- if not (has $field.Type.Name (list "Time" "MicroTime" "Duration")) }}
{{- template "fields" dict "prefix" $path "type" $field.Type }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* A type as JSON has it. */ -}}
{{- define "type" }}
{{- $kind := toJson .Kind | trimAll `"` }}
{{- if has .Name (list "Time" "MicroTime") }}time
{{- else if eq .Name "Duration" }}string
{{- else if has $kind (list "POINTER" "ALIAS") }}{{ template "type" .UnderlyingType }}
{{- else if and (eq $kind "SLICE") (eq .Name "byte") }}bytes in base64
{{- else if eq $kind "SLICE" }}list
{{- else if has $kind (list "STRUCT" "MAP") }}object
{{- else }}{{ markdownRenderType . }}
{{- end }}
{{- end -}}

{{- /* A comment as one line. */ -}}
{{- define "paragraph" }}{{ regexReplaceAll `\s+` . " " | trim }}{{ end -}}

{{- /* The comment of a field, which begins with the field's name as Go writes it. */ -}}
{{- define "description" }}
{{- $words := regexSplit `\s+` (trim .Doc) -1 }}
{{- if eq (lower (first $words)) (lower .Name) }}`{{ .Name }}`{{ else }}{{ first $words }}{{ end }}
{{- range rest $words }} {{ . }}{{ end }}
{{- end -}}

{{- /* What the API server checks. */ -}}
{{- define "limits" }}
{{- $has := dict }}
{{- range $name, $values := .Markers }}
{{- $_ := set $has (trimPrefix "kubebuilder:validation:" $name) (first $values) }}
{{- end }}
{{- $lines := list }}
{{- with $has.Enum }}{{ $lines = append $lines (printf "One of `%s`." (join "`, `" .)) }}{{ end }}
{{- if and (hasKey $has "MinLength") (hasKey $has "MaxLength") (eq $has.MinLength $has.MaxLength) }}
{{- $lines = append $lines (printf "%d characters." $has.MaxLength) }}
{{- else if and (hasKey $has "MinLength") (hasKey $has "MaxLength") }}
{{- $lines = append $lines (printf "%d to %d characters." $has.MinLength $has.MaxLength) }}
{{- else if hasKey $has "MaxLength" }}{{ $lines = append $lines (printf "At most %d characters." $has.MaxLength) }}
{{- else if hasKey $has "MinLength" }}{{ $lines = append $lines "Not empty." }}
{{- end }}
{{- if hasKey $has "Minimum" }}{{ $lines = append $lines (printf "At least %g." $has.Minimum) }}{{ end }}
{{- if hasKey $has "Maximum" }}{{ $lines = append $lines (printf "At most %g." $has.Maximum) }}{{ end }}
{{- if hasKey $has "MaxItems" }}{{ $lines = append $lines (printf "At most %d entries." $has.MaxItems) }}{{ end }}
{{- with $has.Pattern }}{{ $lines = append $lines (printf "Matches `%s`." .) }}{{ end }}
{{- with $has.ExactlyOneOf }}
{{- $lines = append $lines (printf "Refused otherwise: “exactly one of the fields in %v must be set”" .) }}
{{- end }}
{{- range index .Markers "kubebuilder:validation:XValidation" }}
{{- $lines = append $lines (printf "Refused otherwise: “%s”" .Message) }}
{{- end }}
{{- range $lines }}
- {{ . }}
{{- end }}
{{- if $lines }}
{{ end }}
{{- end -}}

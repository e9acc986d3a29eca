{{/*
The groups of files/rules.yaml, without the alerts that are not wanted, or are about a process that there is not, and with the
labels that are wanted.
*/}}
{{- define "varmenne-issuer.alertGroups" -}}
{{- $values := .Values.prometheusRule }}
{{- $groups := list }}
{{- range $group := (.Files.Get "files/rules.yaml" | fromYaml).groups }}
{{- $rules := list }}
{{- if or $.Values.messages.enabled (ne $group.name "varmenne-issuer.messages") }}
{{- range $rule := $group.rules }}
{{- if not (and $rule.alert (has $rule.alert $values.disabledAlerts)) }}
{{- if $rule.alert }}
{{- $rule = set (deepCopy $rule) "labels" (merge (dict) $values.alertLabels (default (dict) $rule.labels)) }}
{{- end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- end }}
{{- with $rules }}
{{- $groups = append $groups (set (deepCopy $group) "rules" .) }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}

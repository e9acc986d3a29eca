{{/* Refuses what the API server would refuse later, or what two writers of an object would quarrel about. */}}

{{/* Names of objects are DNS labels that begin with a letter, because some are those of Services. */}}
{{- define "varmenne-issuer.validateNames" -}}
{{- $name := include "varmenne-issuer.fullname" . }}
{{- $source := empty .Values.fullnameOverride | ternary "nameOverride" "fullnameOverride" }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- fail (printf "%s: objects cannot be called %q: use a-z, 0-9 and hyphens, with a letter first and no hyphen last" $source $name) }}
{{- end }}
{{- $label := include "varmenne-issuer.name" . }}
{{- if not (regexMatch "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$" $label) }}
{{- fail (printf "nameOverride: %q cannot be a label: use letters, digits, hyphens, and no hyphen first or last" $label) }}
{{- end }}
{{- end }}

{{/* Labels by which Pods and Services are selected are the chart's; hooks are Helm's. */}}
{{- define "varmenne-issuer.validateLabels" -}}
{{- $same := include "varmenne-issuer.selectorLabels" (dict "context" . "component" "") | fromYaml }}
{{- with .Values }}
{{- $given := dict "commonLabels" .commonLabels "global.commonLabels" (.global | default dict).commonLabels "podLabels" .podLabels
      "uninstall.podLabels" .uninstall.podLabels "test.podLabels" .test.podLabels
      "simulator.podLabels" .simulator.podLabels "metrics.service.labels" .metrics.service.labels }}
{{- range $value, $labels := $given }}
{{- range $key, $own := $same }}
{{- if and (hasKey (default (dict) $labels) $key) (ne (get $labels $key) (default "" $own)) }}
{{- fail (printf "%s: %s tells the chart's Pods and Services from others and cannot be changed; leave it out" $value $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $value, $annotations := dict "podAnnotations" .podAnnotations "test.podAnnotations" .test.podAnnotations }}
{{- range $key, $_ := $annotations }}
{{- if hasPrefix "helm.sh/hook" $key }}
{{- fail (printf "%s: %s belongs to the chart's own hooks; leave it out" $value $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Lists whose items have a key: none may be there twice, neither in what the user gives nor together with the chart's. */}}
{{- define "varmenne-issuer.validateLists" -}}
{{- $volumes := include "varmenne-issuer.controllerVolumes" . | fromYamlArray }}
{{- $mounts := include "varmenne-issuer.controllerVolumeMounts" . | fromYamlArray }}
{{- with .Values }}
{{- include "varmenne-issuer.validateList" (dict "value" "extraEnv" "keys" (list "name") "items" .extraEnv) }}
{{- include "varmenne-issuer.validateList" (dict "value" "extraVolumes" "keys" (list "name") "ours" $volumes "items" .extraVolumes) }}
{{- include "varmenne-issuer.validateList" (dict "value" "extraVolumeMounts" "keys" (list "mountPath") "ours" $mounts "items" .extraVolumeMounts) }}
{{- $names := list }}
{{- range concat $volumes (.extraVolumes | default list) }}{{ $names = append $names .name }}{{ end }}
{{- range .extraVolumeMounts }}{{ if not (has .name $names) }}
{{- fail (printf "extraVolumeMounts: there is no volume %q; add it to extraVolumes" .name) }}
{{- end }}{{ end }}
{{- include "varmenne-issuer.validateList" (dict "value" "hostAliases" "keys" (list "ip") "items" .hostAliases) }}
{{- include "varmenne-issuer.validateList" (dict "value" "topologySpreadConstraints" "keys" (list "topologyKey" "whenUnsatisfiable") "items" .topologySpreadConstraints) }}
{{- end }}
{{- end }}

{{/* Takes value, the name of the value; keys, which tell items apart; ours, the chart's items; and items, the user's. */}}
{{- define "varmenne-issuer.validateList" -}}
{{- $known := dict }}
{{- range $item := .ours }}{{ $_ := set $known (pick $item (index $.keys 0) | toJson) "the chart has one itself" }}{{ end }}
{{- range $item := .items }}
{{- $parts := dict }}
{{- range $.keys }}{{ $_ := set $parts . (get $item . | toString | trimSuffix "/") }}{{ end }}
{{- $key := toJson $parts }}
{{- with get $known $key }}
{{- fail (printf "%s: %s: %s; leave one out" $.value (values $parts | sortAlpha | join ", ") .) }}
{{- end }}
{{- $_ := set $known $key "it is there twice" }}
{{- end }}
{{- end }}

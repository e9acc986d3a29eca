{{/* The memory limit of the container, which Go's garbage collector minds. Without one it is what the node has. */}}
{{- define "varmenne-issuer.memoryEnv" -}}
- name: GOMEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
      divisor: "1"
{{- end }}

{{/* The variables that the chart makes of its values. */}}
{{- define "varmenne-issuer.ownEnv" -}}
{{- include "varmenne-issuer.memoryEnv" . }}
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
{{- if include "varmenne-issuer.hasProxy" $ }}
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
{{- end }}

{{/* Under which name the chart knows a variable: the proxies are read in upper and in lower case. Takes the name. */}}
{{- define "varmenne-issuer.variable" -}}
{{- has . (list "https_proxy" "http_proxy" "no_proxy") | ternary (upper .) . }}
{{- end }}

{{/*
The environment of the controller: the chart's variables, but for those that the user sets, and the user's. Of a list both have
a part: a variable of the user's that is no plain text gets another name, which no other has, by which the list refers to it.
*/}}
{{- define "varmenne-issuer.controllerEnv" -}}
{{- $separators := dict "NO_PROXY" "," "SSL_CERT_DIR" ":" }}
{{- $own := dict }}
{{- $ours := include "varmenne-issuer.ownEnv" . | fromYamlArray }}
{{- range $ours }}{{ $_ := set $own .name .value }}{{ end }}
{{- $given := dict }}
{{- $names := list }}
{{- range .Values.extraEnv }}{{ $names = append $names .name }}{{ end }}
{{- $theirs := list }}
{{- $joined := dict }}
{{- range .Values.extraEnv }}
{{- $name := include "varmenne-issuer.variable" .name }}
{{- $_ := set $given $name true }}
{{- if and (hasKey $separators $name) (hasKey $own $name) }}
{{- $part := .value }}
{{- if .valueFrom }}
{{- $alias := printf "%s_GIVEN" .name }}
{{- range $names }}{{ if has $alias $names }}{{ $alias = printf "%s_GIVEN" $alias }}{{ end }}{{ end }}
{{- $theirs = append $theirs (set (deepCopy .) "name" $alias) }}
{{- $part = printf "$(%s)" $alias }}
{{- end }}
{{- $_ := set $joined $name (append (get $joined $name | default (list (get $own $name))) $part) }}
{{- else }}
{{- $theirs = append $theirs . }}
{{- end }}
{{- end }}
{{- $all := list }}
{{- range $ours }}{{ if not (hasKey $given .name) }}{{ $all = append $all . }}{{ end }}{{ end }}
{{- $all = concat $all $theirs }}
{{- range $name, $parts := $joined }}
{{- $all = append $all (dict "name" $name "value" (compact $parts | join (get $separators $name))) }}
{{- end }}
{{- with $all }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* The variables of the user by name, proxies in upper case, as JSON. Of two spellings the upper case goes before, as in Go. */}}
{{- define "varmenne-issuer.givenEnv" -}}
{{- $given := dict }}
{{- range .Values.extraEnv }}
{{- $name := include "varmenne-issuer.variable" .name }}
{{- if or (eq $name .name) (not (hasKey $given $name)) }}{{ $_ := set $given $name . }}{{ end }}
{{- end }}
{{- toJson $given }}
{{- end }}

{{/* Whether a proxy is set, here or among the user's variables. */}}
{{- define "varmenne-issuer.hasProxy" -}}
{{- $given := include "varmenne-issuer.givenEnv" . | fromJson }}
{{- with .Values.proxy }}
{{- if or .https .secretName .http .noProxy (hasKey $given "HTTPS_PROXY") (hasKey $given "HTTP_PROXY") }}true{{ end }}
{{- end }}
{{- end }}

{{/* The address of the proxy to the certificate service, as JSON: empty where there is none, null where it is not in the values. */}}
{{- define "varmenne-issuer.proxyAddress" -}}
{{- $given := get (include "varmenne-issuer.givenEnv" . | fromJson) "HTTPS_PROXY" }}
{{- if or (and $given $given.valueFrom) (and (not $given) .Values.proxy.secretName) }}null
{{- else if $given }}{{ $given.value | default "" | toJson }}
{{- else }}{{ .Values.proxy.https | toJson }}
{{- end }}
{{- end }}

{{- define "varmenne-issuer.hasCABundle" -}}
{{- with .Values.caBundle }}{{ with or .inline .configMapName .secretName }}true{{ end }}{{ end }}
{{- end }}

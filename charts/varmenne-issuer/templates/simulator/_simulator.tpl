{{- define "varmenne-issuer.simulator.name" -}}
{{ include "varmenne-issuer.fullname" . }}-simulator
{{- end }}

{{/* The name under which the issuers reach it, and which its TLS certificate bears. */}}
{{- define "varmenne-issuer.simulator.host" -}}
{{ include "varmenne-issuer.simulator.name" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{/* What the sample's VeroIssuer refers to; the simulator writes both. */}}
{{- define "varmenne-issuer.simulator.trust" -}}
{{ .Values.simulator.sample.issuerName }}-trust
{{- end }}
{{- define "varmenne-issuer.simulator.transfer" -}}
{{ .Values.simulator.sample.issuerName }}-transfer
{{- end }}

{{/* Whether the sample has a MessagesPassword: where somebody rotates it. The simulator writes its Secret, too. */}}
{{- define "varmenne-issuer.simulator.messages" -}}
{{- if and .Values.messages.enabled (has .Release.Namespace .Values.messages.namespaces) }}true{{ end }}
{{- end }}
{{- define "varmenne-issuer.simulator.messagesSecret" -}}
{{ .Values.simulator.sample.issuerName }}-messages
{{- end }}

{{/* The command line of the simulator. Its admin interface stays on loopback: whoever reaches it gets certificates. */}}
{{- define "varmenne-issuer.simulator.args" -}}
{{- $host := include "varmenne-issuer.simulator.host" . }}
- simulator
- --address=:8443
- --admin-address=127.0.0.1:8444
- --data-dir=/data
- --tls-name={{ $host }}
- --tls-name={{ $host }}.cluster.local
- --validity={{ .Values.simulator.validity }}
- --renewal-window={{ .Values.simulator.renewalWindow }}
- --processing-delay={{ .Values.simulator.processingDelay }}
- --min-retrieval-delay={{ .Values.simulator.minRetrievalDelay }}
{{- if .Values.simulator.sample.enabled }}
- --sample-dir=/sample
- --sample-namespace={{ .Release.Namespace }}
- --sample-owner={{ include "varmenne-issuer.simulator.name" . }}
{{- end }}
{{- with .Values.simulator.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the simulator applies once it listens. */}}
{{- define "varmenne-issuer.simulator.sample" -}}
{{- with .Values.simulator.sample }}
apiVersion: varmenne.dev/v1alpha1
kind: VeroIssuer
metadata:
  name: {{ .issuerName }}
spec:
  environment: TEST
  url: https://{{ include "varmenne-issuer.simulator.host" $ }}:8443/2017/10/CertificateServices
  customerID: {{ .customerID | quote }}
  renewalWindow: {{ $.Values.simulator.renewalWindow }}
  transferSecretRef:
    name: {{ include "varmenne-issuer.simulator.transfer" $ }}
  trust:
    {{- range $bundle := list "tls" "responses" "issuance" }}
    {{ $bundle }}:
      configMapKeyRef: {name: {{ include "varmenne-issuer.simulator.trust" $ }}, key: {{ $bundle }}.pem}
    {{- end }}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ .certificateName }}
spec:
  secretName: {{ .certificateName }}-tls
  commonName: {{ .customerID | quote }}
  {{- /* cert-manager refuses less than an hour and five minutes, and then renews when two thirds have passed. */}}
  {{- $validity := include "varmenne-issuer.seconds" $.Values.simulator.validity | int }}
  {{- $window := include "varmenne-issuer.seconds" $.Values.simulator.renewalWindow | int }}
  {{- if ge $validity 3600 }}
  duration: {{ $.Values.simulator.validity }}
  {{- end }}
  {{- if ge $window 300 }}
  renewBefore: {{ $.Values.simulator.renewalWindow }}
  {{- end }}
  privateKey:
    algorithm: RSA
    size: 2048
    rotationPolicy: Always
  usages: [digital signature, key encipherment, client auth]
  issuerRef:
    group: varmenne.dev
    kind: VeroIssuer
    name: {{ .issuerName }}
{{- if include "varmenne-issuer.simulator.messages" $ }}
---
apiVersion: varmenne.dev/v1alpha1
kind: MessagesPassword
metadata:
  name: {{ .issuerName }}
spec:
  url: https://{{ include "varmenne-issuer.simulator.host" $ }}:8443
  tls:
    configMapKeyRef: {name: {{ include "varmenne-issuer.simulator.trust" $ }}, key: tls.pem}
  secretRef:
    name: {{ include "varmenne-issuer.simulator.messagesSecret" $ }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The rules of a file below files/rbac, which is generated from the code's markers, cut down to the parts that are asked
for: "cluster" for cluster-scoped kinds, "secrets", and "namespaced" for everything else. Takes context, file and parts.
*/}}
{{- define "varmenne-issuer.rules" -}}
{{- $clusterScoped := list "veroclusterissuers" "veroclusterissuers/status" "manualclusterissuers" "manualclusterissuers/status" }}
{{- $parts := .parts }}
{{- $rules := list }}
{{- range $rule := (.context.Files.Get (printf "files/rbac/%s" .file) | fromYaml).rules }}
{{- $resources := list }}
{{- range $rule.resources }}
{{- $part := has . $clusterScoped | ternary "cluster" (eq . "secrets" | ternary "secrets" "namespaced") }}
{{- if has $part $parts }}{{ $resources = append $resources . }}{{ end }}
{{- end }}
{{- with $resources }}{{ $rules = append $rules (set (deepCopy $rule) "resources" .) }}{{ end }}
{{- end }}
{{- toYaml $rules }}
{{- end }}

{{/* The namespaces with a Role for Secrets, as JSON. Empty: a ClusterRole. */}}
{{- define "varmenne-issuer.secretNamespaces" -}}
{{- $namespaces := .Values.secretNamespaces }}
{{- if and .Values.watchNamespaces (not $namespaces) }}
{{- $namespaces = append .Values.watchNamespaces .Release.Namespace | uniq }}
{{- end }}
{{- toJson $namespaces }}
{{- end }}

{{/*
A role and its binding: in a namespace, or for the cluster where none is given. Takes context, name, namespace, and rules as
YAML; and account and component, where they are not the controller's.
*/}}
{{- define "varmenne-issuer.permission" }}
{{- $scope := empty .namespace | ternary "Cluster" "" }}
{{- $labels := include "varmenne-issuer.labels" (dict "context" .context "component" (default "controller" .component)) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}Role
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- $labels | nindent 4 }}
rules:
{{ .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}RoleBinding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $scope }}Role
  name: {{ .name }}
subjects:
- kind: ServiceAccount
  name: {{ default (include "varmenne-issuer.serviceAccountName" .context) .account }}
  namespace: {{ .context.Release.Namespace | quote }}
{{- end }}

{{/* What the controller's leader election needs. */}}
{{- define "varmenne-issuer.leaderElectionRules" -}}
{{- include "varmenne-issuer.leaseRules" (include "varmenne-issuer.fullname" .) }}
{{- end }}

{{/* What leader election needs: the lease, and events about it. Takes the lease's name. */}}
{{- define "varmenne-issuer.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ . }}]
  verbs: [get, update]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* What authentication and authorization of the readers of metrics need. */}}
{{- define "varmenne-issuer.reviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}

{{/* What NOTES.txt points out about the values. Every item begins with the value that it is about. */}}
{{- define "varmenne-issuer.warnings" -}}
{{- $own := .Release.Namespace }}
{{- if not (.Capabilities.APIVersions.Has "cert-manager.io/v1") }}
* cert-manager is not there. Nothing happens before it is installed.
{{- end }}
{{- with .Values }}
{{- if not .certManager.approve }}
* certManager.approve=false: requests wait until somebody else approves them.
{{- end }}
{{- if not .crds.enabled }}
* crds.enabled=false: the CustomResourceDefinitions have to be there, and to be of this version.
{{- else if not .crds.keep }}
* crds.keep=false: uninstalling deletes every issuer and every VeroOrder, and with them what the service still owes you.
{{- end }}
{{- if not .rbac.create }}
* rbac.create=false: the controller may do only what you let ServiceAccount {{ include "varmenne-issuer.serviceAccountName" $ }} do.
{{- else if not (or .watchNamespaces .secretNamespaces) }}
* The controller may get, though not list, every Secret of the cluster. secretNamespaces limits that.
{{- else if and .secretNamespaces (not (has $own .secretNamespaces)) }}
* secretNamespaces: without {{ $own }}, no VeroClusterIssuer can take a trust bundle from a Secret.
{{- end }}
{{- if lt (int .replicaCount) 2 }}
* replicaCount={{ .replicaCount }}: nobody takes over when a node fails.
{{- end }}
{{- $grace := include "varmenne-issuer.seconds" .callTimeout | int | add 30 }}
{{- if lt (include "varmenne-issuer.terminationGracePeriodSeconds" $ | int) (int $grace) }}
* terminationGracePeriodSeconds: with callTimeout={{ .callTimeout }} a Pod may need {{ $grace }} s to record what a call has brought.
{{- end }}
{{- if and .metrics.secure (not .metrics.readers) (not (include "varmenne-issuer.metricsReaderNamespace" $)) }}
* metrics.readers is empty: bind who reads metrics to ClusterRole {{ include "varmenne-issuer.fullname" $ }}-metrics-reader.
{{- end }}
{{- if .metrics.secure }}{{ if and .metrics.serviceMonitor.enabled (not .metrics.serviceMonitor.tlsConfig) }}
* metrics.serviceMonitor.tlsConfig is empty: Prometheus does not verify the certificate, and shows its token to whoever answers.
{{- end }}{{ end }}
{{- if and .networkPolicy.enabled (not .networkPolicy.apiServer.to) }}
* networkPolicy.apiServer.to is empty: everything that listens on {{ join ", " .networkPolicy.apiServer.ports }} can be reached.
{{- end }}
{{- if and .networkPolicy.enabled (eq (include "varmenne-issuer.proxyAddress" $ | trim) "null") (not .networkPolicy.service.ports) }}
* networkPolicy.service.ports is empty: the port of a proxy in a Secret is not known; 443 is let through.
{{- end }}
{{- if has "*" .allowedEndpoints.hosts }}
* allowedEndpoints.hosts has "*": whoever may create a VeroIssuer finds out what answers where the controller reaches.
{{- end }}
{{- if and .messages.enabled (has "*" .messages.allowedEndpoints) }}
* messages.allowedEndpoints has "*": whoever may create a MessagesPassword can have a password sent wherever they like.
{{- end }}
{{- if .simulator.enabled }}
* simulator.enabled: switch it off before real certificates are issued here.
{{- end }}
{{- end }}
{{- end }}

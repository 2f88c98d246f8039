{{- define "rollcall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of one component: (dict "root" $ "component" "hss") */}}
{{- define "rollcall.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "rollcall.labels" -}}
{{ include "rollcall.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rollcall
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "rollcall.serviceAccountName" -}}
{{- default (include "rollcall.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* (dict "root" $ "image" "hss") */}}
{{- define "rollcall.image" -}}
{{- $image := .root.Values.image -}}
{{- $path := printf "%s/%s:%s" $image.repository .image (default .root.Chart.AppVersion $image.tag) -}}
{{- if $image.registry }}{{ $image.registry }}/{{ end }}{{ $path -}}
{{- end -}}

{{/* Secret of a role's certificate: (dict "root" $ "role" "hss") */}}
{{- define "rollcall.tlsSecret" -}}
{{- $given := index .root.Values.certificates.existingSecrets .role -}}
{{- default (printf "%s-%s-tls" (include "rollcall.fullname" .root) .role) $given -}}
{{- end -}}

{{/* Secret of a key: (dict "root" $ "given" "" "name" "hss-sealing") */}}
{{- define "rollcall.keySecret" -}}
{{- default (printf "%s-%s" (include "rollcall.fullname" .root) .name) .given -}}
{{- end -}}

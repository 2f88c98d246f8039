{{/*
Who speaks to whom: receiver to senders. A test holds it against the role table of packages/runtime, which decides the same by
certificates.
*/}}
{{- define "rollcall.edges" -}}
hss: [scscf, presence]
scscf: [hss, pcscf, presence, scscf]
presence: [hss, presence, scscf]
pcscf: [scscf]
nats: [hss, pcscf, presence, scscf, store-init]
{{- end -}}

{{/* A peer of this release: (dict "root" $ "component" "hss") */}}
{{- define "rollcall.peer" -}}
- podSelector:
    matchLabels:
      {{- include "rollcall.selectorLabels" . | nindent 6 }}
{{- end -}}

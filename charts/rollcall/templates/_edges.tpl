{{/*
Who speaks to whom: receiver to senders. A test holds it against the role table of packages/runtime, which decides the same by
certificates.
*/}}
{{- define "rollcall.edges" -}}
hss: [ap, bsf, scscf, presence]
scscf: [hss, pcscf, presence, scscf]
presence: [ap, hss, presence, scscf]
pcscf: [scscf]
bsf: [ap]
ap: []
nats: [bsf, hss, pcscf, presence, scscf, store-init]
{{- end -}}

{{/* A peer of this release: (dict "root" $ "component" "hss") */}}
{{- define "rollcall.peer" -}}
- podSelector:
    matchLabels:
      {{- include "rollcall.selectorLabels" . | nindent 6 }}
{{- end -}}

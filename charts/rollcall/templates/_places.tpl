{{/*
Where services listen and where they find each other. deploy/local/service-settings.ts says the same to the local runner, and a
test compares what both give.
*/}}
{{- define "rollcall.grpcPort" -}}
{{- get (dict "hss" "17001" "scscf" "17002" "presence" "17003" "pcscf" "17004") . -}}
{{- end -}}

{{- define "rollcall.probePort" -}}
{{- get (dict "hss" "17101" "scscf" "17102" "presence" "17103" "pcscf" "17104") . -}}
{{- end -}}

{{/* gRPC listeners of all replicas, as a list in JSON: (dict "root" $ "service" "presence") */}}
{{- define "rollcall.targets" -}}
{{- $name := printf "%s-%s" (include "rollcall.fullname" .root) .service -}}
{{- $port := include "rollcall.grpcPort" .service -}}
{{- $targets := list -}}
{{- range $ordinal := until (int (index .root.Values .service).replicas) -}}
{{- $targets = append $targets (printf "%s-%d.%s:%s" $name $ordinal $name $port) -}}
{{- end -}}
{{- toJson $targets -}}
{{- end -}}

{{- define "rollcall.hopRoutes" -}}
{{- $realm := .Values.realm -}}
{{- $scscf := printf "scscf@%s" (include "rollcall.targets" (dict "root" . "service" "scscf") | fromJsonArray | join "|") -}}
{{- $presence := printf "presence@%s" (include "rollcall.targets" (dict "root" . "service" "presence") | fromJsonArray | join "|") -}}
{{- $routes := list (printf "%s=%s" $realm $scscf) (printf "scscf-0.scscf.%s=%s" $realm $scscf) -}}
{{- range $target := include "rollcall.targets" (dict "root" . "service" "pcscf") | fromJsonArray -}}
{{- $routes = append $routes (printf "%s.pcscf.%s=pcscf@%s" (splitList "." $target | first) $realm $target) -}}
{{- end -}}
{{- append $routes (printf "presence.%s=%s" $realm $presence) | join "," -}}
{{- end -}}

{{- define "rollcall.hssTarget" -}}
{{- printf "%s-hss:%s" (include "rollcall.fullname" .) (include "rollcall.grpcPort" "hss") -}}
{{- end -}}

{{- define "rollcall.natsPort" -}}4222{{- end -}}
{{- define "rollcall.natsClusterPort" -}}6222{{- end -}}

{{/* HOST:PORT of each server of the chart's own NATS, as a list in JSON: (dict "root" $ "port" "6222") */}}
{{- define "rollcall.natsServers" -}}
{{- $name := printf "%s-nats" (include "rollcall.fullname" .root) -}}
{{- $port := .port -}}
{{- $servers := list -}}
{{- range $ordinal := until (int .root.Values.nats.replicas) -}}
{{- $servers = append $servers (printf "%s-%d.%s:%s" $name $ordinal $name $port) -}}
{{- end -}}
{{- toJson $servers -}}
{{- end -}}

{{- define "rollcall.natsUrl" -}}
{{- $servers := .Values.nats.external.servers -}}
{{- if .Values.nats.enabled -}}
{{- $servers = include "rollcall.natsServers" (dict "root" . "port" (include "rollcall.natsPort" .)) | fromJsonArray -}}
{{- else if not $servers -}}
{{- fail "nats.external.servers names no server, and nats.enabled is false" -}}
{{- end -}}
{{- $urls := list -}}
{{- range $servers }}{{ $urls = append $urls (printf "tls://%s" .) }}{{ end -}}
{{- join "," $urls -}}
{{- end -}}

{{/*
Where services listen and where they find each other. deploy/local/service-settings.ts says the same to the local runner, and a
test compares what both give.
*/}}
{{- define "rollcall.grpcPort" -}}
{{- get (dict "hss" "17001" "scscf" "17002" "presence" "17003" "pcscf" "17004" "bsf" "17005" "ap" "17006") . -}}
{{- end -}}

{{- define "rollcall.probePort" -}}
{{- get (dict "hss" "17101" "scscf" "17102" "presence" "17103" "pcscf" "17104" "bsf" "17105" "ap" "17106") . -}}
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

{{/* Zb at a Presence Server. */}}
{{- define "rollcall.xcapPort" -}}17203{{- end -}}

{{/* What UEs reach: name, the port in the pod, and that of the Service, as a list in JSON. */}}
{{- define "rollcall.uePorts" -}}
{{- $ub := list (list "ub" 8080 80) (list "ub-tls" 8443 443) -}}
{{- $ua := list (list "ua" 9443 443) (list "ua-psk12" 9444 9444) (list "ua-psk13" 9445 9445) -}}
{{- get (dict "bsf" $ub "ap" $ua) . | default list | toJson -}}
{{- end -}}

{{/* The home network's domain as it is seen from outside (TS 23.003 clauses 13.9 and 16.2). */}}
{{- define "rollcall.publicDomain" -}}
{{- $realm := .Values.realm -}}
{{- if and (hasSuffix ".3gppnetwork.org" $realm) (not (hasSuffix ".pub.3gppnetwork.org" $realm)) -}}
{{- printf "%s.pub.3gppnetwork.org" (trimSuffix ".3gppnetwork.org" $realm) -}}
{{- else -}}
{{- $realm -}}
{{- end -}}
{{- end -}}

{{/* The name by which UEs know a service of Ut: (dict "root" $ "service" "ap") */}}
{{- define "rollcall.publicName" -}}
{{- printf "%s.%s" (get (dict "bsf" "bsf" "ap" "xcap") .service) (include "rollcall.publicDomain" .root) -}}
{{- end -}}

{{- define "rollcall.bsfTarget" -}}
{{- printf "%s-bsf:%s" (include "rollcall.fullname" .) (include "rollcall.grpcPort" "bsf") -}}
{{- end -}}

{{/* Zb of all Presence Servers. */}}
{{- define "rollcall.xcapTargets" -}}
{{- $name := printf "%s-presence" (include "rollcall.fullname" .) -}}
{{- $port := include "rollcall.xcapPort" . -}}
{{- $targets := list -}}
{{- range $ordinal := until (int .Values.presence.replicas) -}}
{{- $targets = append $targets (printf "%s-%d.%s:%s" $name $ordinal $name $port) -}}
{{- end -}}
{{- join "," $targets -}}
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

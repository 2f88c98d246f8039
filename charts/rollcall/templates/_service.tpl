{{/* The environment of a service: (dict "root" $ "service" "hss"). Names and values are those of deploy/local/service-settings.ts. */}}
{{- define "rollcall.environment" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $values := index $root.Values $service -}}
{{- $name := printf "%s-%s" (include "rollcall.fullname" $root) $service -}}
{{- $grpc := include "rollcall.grpcPort" $service -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- with $root.Values.otel.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: OTEL_SERVICE_NAME
  value: {{ $service }}
- name: ROLLCALL_REALM
  value: {{ $root.Values.realm | quote }}
- name: ROLLCALL_TRUST_DOMAIN
  value: {{ $root.Values.trustDomain | quote }}
- name: ROLLCALL_NATS_URL
  value: {{ include "rollcall.natsUrl" $root | quote }}
- name: ROLLCALL_TLS_CERT_FILE
  value: /etc/rollcall/tls/tls.crt
- name: ROLLCALL_TLS_KEY_FILE
  value: /etc/rollcall/tls/tls.key
- name: ROLLCALL_TLS_CA_FILE
  value: /etc/rollcall/tls/ca.crt
- name: ROLLCALL_GRPC_LISTEN
  value: "0.0.0.0:{{ $grpc }}"
- name: ROLLCALL_PROBE_LISTEN
  value: "0.0.0.0:{{ include "rollcall.probePort" $service }}"
- name: ROLLCALL_IDENTITY_HASH_KEY_FILE
  value: /etc/rollcall/identity-hash/key
{{- if has $service (list "presence" "scscf") }}
- name: ROLLCALL_REPLICA_NAME
  value: $(POD_NAME)
- name: ROLLCALL_GRPC_ADVERTISE
  value: "$(POD_NAME).{{ $name }}:{{ $grpc }}"
- name: ROLLCALL_HSS_TARGET
  value: {{ include "rollcall.hssTarget" $root | quote }}
{{- if eq $service "presence" }}
- name: ROLLCALL_XCAP_LISTEN
  value: "0.0.0.0:{{ include "rollcall.xcapPort" $root }}"
{{- end }}
{{- with $values.vendors.sipTlsPort }}
- name: ROLLCALL_{{ upper $service }}_SIP_TLS_LISTEN
  value: "0.0.0.0:{{ . }}"
{{- end }}
{{- with $values.vendors.peers }}
- name: ROLLCALL_{{ upper $service }}_SIP_PEERS
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if eq $service "hss" }}
- name: ROLLCALL_HSS_SEALING_KEYS_FILE
  value: /etc/rollcall/sealing/keys.json
- name: ROLLCALL_PRESENCE_TARGETS
  value: {{ include "rollcall.targets" (dict "root" $root "service" "presence") | fromJsonArray | join "," | quote }}
- name: ROLLCALL_HSS_SCSCF_TARGETS
  value: {{ include "rollcall.targets" (dict "root" $root "service" "scscf") | fromJsonArray | join "," | quote }}
{{- else if has $service (list "presence" "scscf" "pcscf") }}
- name: ROLLCALL_HOP_ROUTES
  value: {{ include "rollcall.hopRoutes" $root | quote }}
{{- end }}
{{- if eq $service "pcscf" }}
- name: ROLLCALL_PCSCF_POD_NAME
  value: $(POD_NAME)
- name: ROLLCALL_PCSCF_SIP_LISTEN
  value: "$(POD_IP):{{ $values.ports.sip }}"
- name: ROLLCALL_PCSCF_ENCAPSULATION_LISTEN
  value: "$(POD_IP):{{ $values.ports.encapsulation }}"
- name: ROLLCALL_PCSCF_PORT_PS
  value: "15064"
- name: ROLLCALL_PCSCF_SEALING_KEYS_FILE
  value: /etc/rollcall/sealing/keys.json
{{- end }}
{{- if has $service (list "bsf" "ap") }}
- name: ROLLCALL_HSS_TARGET
  value: {{ include "rollcall.hssTarget" $root | quote }}
- name: ROLLCALL_{{ upper $service }}_PUBLIC_CERT_FILE
  value: /etc/rollcall/public-tls/tls.crt
- name: ROLLCALL_{{ upper $service }}_PUBLIC_KEY_FILE
  value: /etc/rollcall/public-tls/tls.key
{{- end }}
{{- if eq $service "bsf" }}
- name: ROLLCALL_BSF_SEALING_KEYS_FILE
  value: /etc/rollcall/sealing/keys.json
- name: ROLLCALL_BSF_HTTP_LISTEN
  value: "0.0.0.0:8080"
- name: ROLLCALL_BSF_HTTPS_LISTEN
  value: "0.0.0.0:8443"
{{- if not (hasKey (merge (deepCopy $values.settings) $root.Values.settings) "ROLLCALL_BSF_NAF_GSIDS") }}
- name: ROLLCALL_BSF_NAF_GSIDS
  value: {{ printf "%s=2+3" (include "rollcall.publicName" (dict "root" $root "service" "ap")) | quote }}
{{- end }}
{{- end }}
{{- if eq $service "ap" }}
- name: ROLLCALL_AP_DIGEST_LISTEN
  value: "0.0.0.0:9443"
- name: ROLLCALL_AP_PSK_TLS12_LISTEN
  value: "0.0.0.0:9444"
- name: ROLLCALL_AP_PSK_TLS13_LISTEN
  value: "0.0.0.0:9445"
- name: ROLLCALL_AP_NAF_FQDN
  value: {{ include "rollcall.publicName" (dict "root" $root "service" "ap") | quote }}
- name: ROLLCALL_AP_XCAP_TARGETS
  value: {{ include "rollcall.xcapTargets" $root | quote }}
- name: ROLLCALL_BSF_TARGET
  value: {{ include "rollcall.bsfTarget" $root | quote }}
{{- end }}
{{- range $setting, $value := merge (deepCopy $values.settings) $root.Values.settings }}
- name: {{ $setting }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* The pod of a service: (dict "root" $ "service" "hss") */}}
{{- define "rollcall.servicePod" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $values := index $root.Values $service -}}
{{- $component := dict "root" $root "component" $service -}}
metadata:
  {{- include "rollcall.podMetadata" $component | nindent 2 }}
spec:
  {{- include "rollcall.podSecurity" $root | nindent 2 }}
  {{- if and (eq $service "pcscf") $values.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  # Services drain within ten seconds.
  terminationGracePeriodSeconds: 30
  containers:
    - name: {{ $service }}
      image: {{ include "rollcall.image" (dict "root" $root "image" $service) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      {{- include "rollcall.containerSecurity" $root | nindent 6 }}
      env:
        {{- include "rollcall.environment" . | nindent 8 }}
      ports:
        - name: grpc
          containerPort: {{ include "rollcall.grpcPort" $service }}
        - name: probe
          containerPort: {{ include "rollcall.probePort" $service }}
        {{- with (default dict $values.vendors).sipTlsPort }}
        - name: sip-tls
          containerPort: {{ . }}
        {{- end }}
        {{- if eq $service "presence" }}
        - name: xcap
          containerPort: {{ include "rollcall.xcapPort" $root }}
        {{- end }}
        {{- range include "rollcall.uePorts" $service | fromJsonArray }}
        - name: {{ index . 0 }}
          containerPort: {{ index . 1 }}
        {{- end }}
        {{- if eq $service "pcscf" }}
        - name: sip
          containerPort: {{ $values.ports.sip }}
          protocol: UDP
        - name: esp-in-udp
          containerPort: {{ $values.ports.encapsulation }}
          protocol: UDP
        {{- end }}
      startupProbe:
        httpGet: { path: /livez, port: probe }
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: { path: /livez, port: probe }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: probe }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - { name: tls, mountPath: /etc/rollcall/tls, readOnly: true }
        - { name: identity-hash, mountPath: /etc/rollcall/identity-hash, readOnly: true }
        {{- if has $service (list "hss" "pcscf" "bsf") }}
        - { name: sealing, mountPath: /etc/rollcall/sealing, readOnly: true }
        {{- end }}
        {{- if has $service (list "bsf" "ap") }}
        - { name: public-tls, mountPath: /etc/rollcall/public-tls, readOnly: true }
        {{- end }}
  volumes:
    - name: tls
      secret:
        secretName: {{ include "rollcall.tlsSecret" (dict "root" $root "role" $service) }}
        defaultMode: 0440
    - name: identity-hash
      secret:
        secretName: {{ include "rollcall.keySecret" (dict "root" $root "given" $root.Values.secrets.existing.identityHash "name" "identity-hash") }}
        defaultMode: 0440
    {{- if has $service (list "hss" "pcscf" "bsf") }}
    - name: sealing
      secret:
        secretName: {{ include "rollcall.keySecret" (dict "root" $root "given" (index $root.Values.secrets.existing (printf "%sSealing" $service)) "name" (printf "%s-sealing" $service)) }}
        defaultMode: 0440
    {{- end }}
    {{- if has $service (list "bsf" "ap") }}
    - name: public-tls
      secret:
        secretName: {{ include "rollcall.tlsSecret" (dict "root" $root "role" (printf "%s-public" $service)) }}
        defaultMode: 0440
    {{- end }}
  {{- include "rollcall.scheduling" (dict "root" $root "component" $service "values" $values) | nindent 2 }}
{{- end -}}

{{/* Replicas that are all alike: (dict "root" $ "service" "hss") */}}
{{- define "rollcall.deployment" -}}
{{- $component := dict "root" .root "component" .service -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "rollcall.fullname" .root }}-{{ .service }}
  labels:
    {{- include "rollcall.labels" $component | nindent 4 }}
spec:
  replicas: {{ (index .root.Values .service).replicas }}
  selector:
    matchLabels:
      {{- include "rollcall.selectorLabels" $component | nindent 6 }}
  template:
    {{- include "rollcall.servicePod" . | nindent 4 }}
{{- end -}}

{{/* Replicas with names that stay, and a headless Service that gives each an address by name. */}}
{{- define "rollcall.statefulSet" -}}
{{- $component := dict "root" .root "component" .service -}}
{{- $name := printf "%s-%s" (include "rollcall.fullname" .root) .service -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels:
    {{- include "rollcall.labels" $component | nindent 4 }}
spec:
  serviceName: {{ $name }}
  replicas: {{ (index .root.Values .service).replicas }}
  # None waits for another: they share partitions as they come.
  podManagementPolicy: Parallel
  updateStrategy:
    type: RollingUpdate
  selector:
    matchLabels:
      {{- include "rollcall.selectorLabels" $component | nindent 6 }}
  template:
    {{- include "rollcall.servicePod" . | nindent 4 }}
{{- end -}}

{{/* (dict "root" $ "service" "hss" "headless" false) */}}
{{- define "rollcall.grpcService" -}}
{{- $component := dict "root" .root "component" .service -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ printf "%s-%s" (include "rollcall.fullname" .root) .service }}
  labels:
    {{- include "rollcall.labels" $component | nindent 4 }}
spec:
  {{- if .headless }}
  clusterIP: None
  # A replica that is not ready yet is looked for by the others: they hand partitions over.
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "rollcall.selectorLabels" $component | nindent 4 }}
  ports:
    - name: grpc
      port: {{ include "rollcall.grpcPort" .service }}
      targetPort: grpc
      appProtocol: grpc
    - name: probe
      port: {{ include "rollcall.probePort" .service }}
      targetPort: probe
    {{- with (default dict (index .root.Values .service).vendors).sipTlsPort }}
    - name: sip-tls
      port: {{ . }}
      targetPort: sip-tls
    {{- end }}
    {{- if eq .service "presence" }}
    - name: xcap
      port: {{ include "rollcall.xcapPort" .root }}
      targetPort: xcap
    {{- end }}
    {{- range include "rollcall.uePorts" .service | fromJsonArray }}
    - name: {{ index . 0 }}
      port: {{ index . 2 }}
      targetPort: {{ index . 0 }}
    {{- end }}
{{- end -}}

{{/* (dict "root" $ "component" "hss") */}}
{{- define "rollcall.disruptionBudget" -}}
{{- if .root.Values.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ printf "%s-%s" (include "rollcall.fullname" .root) .component }}
  labels:
    {{- include "rollcall.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .root.Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "rollcall.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

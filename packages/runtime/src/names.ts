/**
 * The registry of everything that leaves a process as telemetry: metrics, span names, span attributes, audit events.
 * What is not here cannot be emitted: the types say so, and tests compare what came out. Add a line where it belongs.
 *
 * Names and labels have few values. An identity never stands in a metric; on spans and in audit events it is hashed.
 */

interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Every label that may stand beside it, in the order of the exposition. */
  readonly labels: readonly string[]
  /** Upper bounds, for a histogram. */
  readonly buckets?: readonly number[]
}

/** From a tenth of a millisecond, an rpc on loopback, to the 32 s of Timer F (RFC 3261 section 17.1.2.2). */
const SECONDS_BUCKETS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 32]
/** Batches of a tick: a power of two each. */
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64]

function counter<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'counter', help, labels } as const
}

function gauge<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'gauge', help, labels } as const
}

function histogram<const L extends readonly string[]>(help: string, labels: L, buckets: readonly number[]) {
  return { kind: 'histogram', help, labels, buckets } as const
}

export const METRICS = {
  // what every service has
  rollcall_audit_events_total: counter('decisions about authentication and authorization', [
    'event',
    'outcome',
    'reason',
  ]),
  rollcall_ready: gauge('1 when /readyz says yes', []),
  rollcall_unhandled_total: counter('errors that nobody expected, by where they came up', ['where']),
  rollcall_tls_reloads_total: counter('looks at the certificate files that found something', ['outcome']),
  rollcall_tls_certificate_end_seconds: gauge('when the certificate in use ends, seconds since 1970', []),
  process_cpu_seconds_total: counter('CPU time, user and system', []),
  process_resident_memory_bytes: gauge('resident memory', []),
  process_heap_bytes: gauge('JavaScript heap in use', []),
  process_event_loop_delay_seconds: gauge('99th percentile of the event loop delay since the last scrape', []),
  process_start_time_seconds: gauge('when the process started, seconds since 1970', []),
  // gRPC
  rollcall_rpc_server_duration_seconds: histogram('unary calls answered', ['rpc', 'code'], SECONDS_BUCKETS),
  rollcall_rpc_client_duration_seconds: histogram('unary calls made', ['rpc', 'code'], SECONDS_BUCKETS),
  rollcall_rpc_denied_total: counter('calls refused by the role table', ['rpc', 'role', 'reason']),
  // the SIP hop
  rollcall_hop_sent_total: counter('requests given to the hop', ['peer']),
  rollcall_hop_received_total: counter('requests that came over the hop', ['peer']),
  rollcall_hop_outcomes_total: counter('how requests given to the hop ended', ['peer', 'outcome']),
  rollcall_hop_resent_total: counter('requests sent again after their stream was lost', ['peer']),
  rollcall_hop_stray_responses_total: counter('responses without a request that waits, or without a branch', ['peer']),
  rollcall_hop_dropped_replies_total: counter(
    'replies that found no stream any more, came too late, or were too long',
    ['reason'],
  ),
  rollcall_hop_unanswered_total: counter('requests that nobody answered in their time', ['peer']),
  rollcall_hop_streams_total: counter('streams opened, refused, lost and ended', ['peer', 'event']),
  rollcall_hop_pending: gauge('requests that wait for their response', ['peer']),
  rollcall_hop_forwarded_total: counter('requests forwarded to the replica that owns their partition, by how it went', [
    'outcome',
  ]),
  rollcall_hop_parked: gauge('requests that wait for a partition to be taken', []),
  // SIP with other vendors' nodes
  rollcall_sip_received_total: counter('SIP messages of other vendors’ nodes', ['transport', 'kind']),
  rollcall_sip_dropped_total: counter('what came by SIP and got no answer', ['transport', 'reason']),
  rollcall_sip_peers_refused_total: counter('nodes and connections that were not let in', ['transport', 'reason']),
  rollcall_sip_closed_total: counter('SIP connections that ended', ['transport', 'reason']),
  rollcall_sip_connections: gauge('SIP connections', ['transport']),
  rollcall_sip_transactions: gauge('SIP transactions with other vendors’ nodes', ['side']),
  rollcall_sip_outcomes_total: counter('how requests to other vendors’ nodes ended', ['peer', 'outcome']),
  rollcall_hop_unplaced_total: counter('requests whose partition was served nowhere in time', ['why']),
  rollcall_hop_batch_messages: histogram('messages in a batch', ['direction'], BATCH_BUCKETS),
  // HTTP
  rollcall_http_server_duration_seconds: histogram(
    'requests answered',
    ['listener', 'method', 'status'],
    SECONDS_BUCKETS,
  ),
  rollcall_http_refused_total: counter('requests and connections that got no further', ['listener', 'reason']),
  rollcall_http_connections: gauge('connections open', ['listener']),
  rollcall_http_client_duration_seconds: histogram('requests made', ['peer', 'outcome'], SECONDS_BUCKETS),
  rollcall_http_client_retries_total: counter('requests sent again after their connection broke', ['peer']),
  // services: what each answers and refuses
  rollcall_hss_refused_total: counter('requests refused', ['reason']),
  rollcall_hss_pushes_total: counter('changed user data told to Presence Servers', ['outcome']),
  rollcall_hss_resealed_total: counter('subscribers whose keys were sealed anew', []),
  rollcall_hss_resealing_done: gauge('1 when every subscriber is sealed by the current key', []),
  rollcall_scscf_refused_total: counter('requests refused', ['reason']),
  rollcall_scscf_registrations: gauge('registration sets that are bound, of the partitions served here', []),
  rollcall_scscf_partitions_owned: gauge('partitions served here', []),
  rollcall_scscf_lease_live: gauge('1 while what is in memory may be told', []),
  rollcall_scscf_reg_notifies_total: counter('NOTIFYs of registration state that ended so', ['outcome']),
  rollcall_scscf_third_party_total: counter('third-party REGISTERs, by how they ended', ['outcome']),
  rollcall_scscf_third_party_pending: gauge('application servers that wait to hear of a registration', []),
  rollcall_scscf_reg_subscriptions: gauge('subscriptions to registration state, of the partitions served here', []),
  rollcall_ap_refused_total: counter('requests refused', ['reason']),
  rollcall_ap_requests_total: counter('requests of users, by how they proved it', ['means', 'status']),
  rollcall_ap_keys: gauge('keys and refusals kept from the BSF', []),
  rollcall_ap_pending: gauge('requests that wait for the server behind', []),
  rollcall_ap_crl_end_seconds: gauge('when the revocation list of UEs ends, Unix time; 0 when it names no end', []),
  rollcall_ap_psk_handshakes_total: counter('handshakes of PSK-TLS, by how they ended', ['outcome']),
  rollcall_pcscf_refused_total: counter('requests refused', ['reason']),
  rollcall_pcscf_corrected_total: counter('requests of UEs put right and passed on', ['what']),
  rollcall_pcscf_dropped_total: counter('packets and messages from UEs that got no answer', ['reason']),
  rollcall_pcscf_request_duration_seconds: histogram(
    'requests between UEs and the core, by who began them',
    ['direction', 'method', 'status'],
    SECONDS_BUCKETS,
  ),
  rollcall_pcscf_contacts: gauge('registered contacts', []),
  rollcall_pcscf_sa_sets: gauge('SA sets, temporary ones included', []),
  rollcall_pcscf_resealing_done: gauge('1 when every token key is sealed by the current key', []),
  rollcall_pcscf_attempts: gauge('registrations under way', []),
  rollcall_pcscf_transactions: gauge('transactions with UEs', ['side']),
  rollcall_pcscf_reg_event_total: counter('subscriptions to registration states, and what they told', ['outcome']),
  rollcall_pcscf_reg_subscriptions: gauge('subscriptions to registration states', []),
  rollcall_pcscf_dialogs: gauge('dialogs of UEs whose route is remembered', []),
  rollcall_bsf_refused_total: counter('requests refused, of UEs and of NAFs', ['interface', 'reason']),
  rollcall_bsf_challenges_total: counter('challenges sent to UEs', ['why']),
  rollcall_bsf_bootstraps_total: counter('bootstrappings that gave a key', []),
  rollcall_bsf_keys_total: counter('keys told to NAFs', []),
  rollcall_bsf_limited_sources: gauge('sources and users whose wrong answers are counted', ['kind']),
  rollcall_presence_refused_total: counter('requests refused', ['reason']),
  rollcall_presence_answers_total: counter('final answers to requests', ['method', 'status']),
  rollcall_presence_dropped_total: counter('what the hop brought and nobody could answer', ['reason']),
  rollcall_presence_notifies_total: counter('NOTIFYs, by how they ended', ['outcome']),
  rollcall_presence_xcap_answers_total: counter('XCAP requests answered', ['method', 'status']),
  rollcall_presence_watcher_ended_total: counter('subscriptions whose watcher is not registered any more', []),
  rollcall_presence_expired_total: counter('publications and subscriptions that ran out', []),
  rollcall_presence_winfo_truncated_total: counter('watcher information that did not hold all watchers', []),
  rollcall_presence_partitions_total: counter('partitions taken, released, lost and not to be had', ['event']),
  rollcall_presence_leases_total: counter('times that the right to tell began and ended', ['event']),
  rollcall_presence_lease_live: gauge('whether watchers may be told now', []),
  rollcall_presence_snapshots_total: counter('snapshots of partitions, by how they ended', ['outcome']),
  rollcall_presence_records_waiting: gauge('records on their way to the log', []),
  rollcall_presence_partitions_owned: gauge('partitions served here', []),
  rollcall_presence_publications: gauge('publications alive', []),
  rollcall_presence_subscriptions: gauge('subscriptions alive', []),
  rollcall_presence_watchers_waiting: gauge('watchers who wait for a word without a subscription', []),
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof METRICS
type NamesOf<K extends MetricDefinition['kind']> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]
export type CounterName = NamesOf<'counter'>
export type GaugeName = NamesOf<'gauge'>
export type HistogramName = NamesOf<'histogram'>
/** The labels of a metric, all of them. */
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>

/** Span names: a SIP or HTTP method, a gRPC path, and these. */
export const SPAN_NAMES = [
  'hss reserve SQN',
  'scscf filter criteria',
  'presence compose',
  'presence fan-out',
  'presence load',
  'store append',
  'store append batch',
  'store load',
] as const

/** `SIP SUBSCRIBE` and `HTTP PUT` for a request, `rpc Service/Method` for a unary call, or one of `SPAN_NAMES`. */
export type SpanName = (typeof SPAN_NAMES)[number] | `SIP ${string}` | `HTTP ${string}` | `rpc ${string}`

/** Whether a span may be called this. */
export function isSpanName(name: string): name is SpanName {
  return (
    (SPAN_NAMES as readonly string[]).includes(name) ||
    /^(?:SIP|HTTP) [A-Z]{2,16}$/.test(name) ||
    /^rpc [a-z0-9.]+\.[A-Za-z]+\/[A-Za-z]+$/.test(name)
  )
}

/** Span attributes of our own; others are OpenTelemetry's conventions. */
export const ATTRIBUTES = {
  // conventions of OpenTelemetry that we use
  'rpc.method': 'full name of the rpc',
  'rpc.system.name': 'grpc',
  'rpc.response.status_code': 'gRPC status, by name',
  'error.type': 'stable code of what went wrong',
  // our own
  'rollcall.sip.method': 'method of the request',
  'rollcall.sip.status': 'status of the final response',
  'rollcall.sip.call_id_hash': 'keyed hash of the Call-ID',
  'rollcall.sip.event': 'event package',
  'rollcall.access.security': 'how the message was protected on its access leg',
  'rollcall.access.sa_set': 'identifier of the SA set, no SPI and no key',
  'rollcall.impi_hash': 'keyed hash of the private identity',
  'rollcall.impu_hash': 'keyed hash of the public identity',
  'rollcall.watcher_hash': 'keyed hash of the watcher',
  'rollcall.presentity_hash': 'keyed hash of the presentity',
  'rollcall.policy.decision': 'what the policy said',
  'rollcall.partition': 'partition of the log',
  'rollcall.store.records': 'records in an append',
  'rollcall.store.bytes': 'octets in an append',
  'rollcall.store.sequence': 'sequence that the append got',
  'rollcall.peer.role': 'role of the peer',
  'rollcall.hop.host': 'host that the next hop was found by',
  'rollcall.hop.outcome': 'how the hop ended',
  'rollcall.fan_out.watchers': 'watchers told',
} as const satisfies Readonly<Record<string, string>>

export type AttributeName = keyof typeof ATTRIBUTES
export type SpanAttributes = Readonly<Partial<Record<AttributeName, string | number | boolean>>>

/** Decisions that are audited, `area.decision`. */
export const AUDIT_EVENTS = [
  'auth.challenge',
  'auth.success',
  'auth.failure',
  'auth.resynchronisation',
  'registration.stored',
  'registration.refused',
  'registration.ended',
  'sa.established',
  'sa.removed',
  'sa.refused',
  'identity.asserted',
  'identity.refused',
  'document.changed',
  'policy.decision',
  'policy.changed',
  'publication.refused',
  'subscription.refused',
  'subscription.ended',
  'subscriber.changed',
  'credentials.changed',
  'key.told',
  'key.refused',
  'rpc.denied',
  'hop.denied',
  'peer.refused',
] as const

export type AuditEventName = (typeof AUDIT_EVENTS)[number]

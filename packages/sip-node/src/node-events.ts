import type { AuditEvent, Counter, HopOutcome, Logger, Metrics, Role } from '@rollcall/runtime'
import type { ClosedReason, RefusedReason, SocketAddress } from '@rollcall/sip-net'
import type { PeerRefusal } from './peer-table.ts'
import type { SipTransport } from './settings.ts'

/** Why something that came got no answer. */
export type DropReason = 'unreadable' | 'stray-response' | 'too-large' | 'port-zero' | 'unanswered' | 'response-lost'

/** The one place where a SIP node tells what came and what it did with it. */
export class NodeEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void
  readonly #log: Logger
  readonly #received = new Map<string, Counter>()

  constructor(o: { readonly metrics: Metrics; readonly audit: (event: AuditEvent) => void; readonly log: Logger }) {
    this.#metrics = o.metrics
    this.#audit = o.audit
    this.#log = o.log
  }

  received(transport: SipTransport, kind: 'request' | 'response'): void {
    const key = `${transport} ${kind}`
    let counter = this.#received.get(key)
    if (!counter) {
      counter = this.#metrics.counter('rollcall_sip_received_total', { transport, kind })
      this.#received.set(key, counter)
    }
    counter.add()
  }

  dropped(transport: SipTransport, reason: DropReason): void {
    this.#metrics.counter('rollcall_sip_dropped_total', { transport, reason }).add()
  }

  outcome(peer: Role | 'none', outcome: HopOutcome): void {
    this.#metrics.counter('rollcall_sip_outcomes_total', { peer, outcome }).add()
  }

  /** A node is not let in; who it says it is may be told. */
  peerRefused(transport: SipTransport, reason: PeerRefusal, from: SocketAddress, shown: string): void {
    this.#metrics.counter('rollcall_sip_peers_refused_total', { transport, reason }).add()
    this.#audit({
      event: 'peer.refused',
      outcome: 'refused',
      reason,
      detail: { transport, address: from.address, shown },
    })
  }

  /** A connection was not taken, before anybody was known behind it. */
  connectionRefused(transport: SipTransport, reason: RefusedReason, from: SocketAddress, detail: string): void {
    this.#metrics.counter('rollcall_sip_peers_refused_total', { transport, reason }).add()
    this.#log.info({ transport, address: from.address, reason, detail }, 'a SIP connection was refused')
  }

  closed(transport: SipTransport, reason: ClosedReason, host: string): void {
    this.#metrics.counter('rollcall_sip_closed_total', { transport, reason }).add()
    this.#log.debug({ transport, host, reason }, 'a SIP connection ended')
  }

  /** An answer of ours that went astray: the service gave what is no response, or its way is gone. */
  answerLost(transport: SipTransport, why: unknown): void {
    this.dropped(transport, 'response-lost')
    this.#log.debug({ err: why, transport }, 'a response could not be sent')
  }
}

import type { Impu } from '@rollcall/core'
import type { AuditEvent, Metrics } from '@rollcall/runtime'
import type { Decision, RefusalReason } from './actor/decision.ts'
import type { Subscription } from './actor/state.ts'
import type { ProofOutcome } from './digest/watcher-digest.ts'
import type { NotifyOutcome } from './partition/notify-outcome.ts'
import type { PartitionEvent } from './partition/partitions.ts'
import type { FrontRefusal } from './refusals.ts'
import type { XcapMessage } from './xcap/xcap-message.ts'

/** Who asked for what, as far as the audit tells it. */
export interface Asked {
  readonly method: 'PUBLISH' | 'SUBSCRIBE'
  readonly eventPackage: string
  readonly presentity: Impu
  /** Identities of the sender, asserted or proved. */
  readonly identities: readonly Impu[]
  readonly traceparent: string
}

/** Methods that have a label of their own. */
const METHODS: ReadonlySet<string> = new Set(['PUBLISH', 'SUBSCRIBE', 'REGISTER'])

/** Methods of XCAP that have a label of their own. */
const XCAP_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** Refusals that are decisions about who may: they are audited besides being counted. */
const AUDITED: ReadonlySet<RefusalReason> = new Set<RefusalReason>(['foreign-watcher', 'foreign-winfo'])

/** The one place where the Presence Server tells what it decided. */
export class PresenceEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void

  constructor(o: { readonly metrics: Metrics; readonly audit: (event: AuditEvent) => void }) {
    this.#metrics = o.metrics
    this.#audit = o.audit
  }

  /** A request has its final answer. */
  answered(method: string, status: number): void {
    const name = METHODS.has(method) ? method : 'other'
    this.#metrics.counter('rollcall_presence_answers_total', { method: name, status: String(status) }).add()
  }

  refused(reason: FrontRefusal | RefusalReason): void {
    this.#metrics.counter('rollcall_presence_refused_total', { reason }).add()
  }

  /** The hop, or plain SIP, brought something that gets no answer. */
  dropped(reason: 'unreadable' | 'response' | 'too-large' | 'port-zero'): void {
    this.#metrics.counter('rollcall_presence_dropped_total', { reason }).add()
  }

  /** A peer that may not send SIP here has done so. */
  peerRefused(role: string): void {
    this.#audit({ event: 'hop.denied', outcome: 'refused', reason: 'peer-role', detail: { role } })
  }

  /** Somebody publishes for somebody else. */
  foreignPublisher(asked: Asked): void {
    this.#audit({ event: 'publication.refused', outcome: 'refused', reason: 'foreign-presentity', ...told(asked) })
  }

  /** The actor has decided; the policy's word, if it was asked, and refusals about who may are audited. */
  decided(asked: Asked, { refusal, handling }: Decision): void {
    if (refusal) this.refused(refusal)
    if (handling) {
      const outcome = handling === 'block' ? 'refused' : 'allowed'
      this.#audit({ event: 'policy.decision', outcome, reason: handling, ...told(asked) })
    }
    if (refusal && AUDITED.has(refusal)) {
      this.#audit({ event: 'subscription.refused', outcome: 'refused', reason: refusal, ...told(asked) })
    }
  }

  /** A watcher has tried to prove who it is. */
  proofChecked(impi: string, outcome: ProofOutcome, traceparent: string): void {
    const common = { identities: { impi }, traceparent }
    if (outcome.kind === 'proved') {
      const detail = { algorithm: outcome.proof.algorithm }
      this.#audit({ event: 'auth.success', outcome: 'allowed', reason: 'watcher-digest', detail, ...common })
    } else this.#audit({ event: 'auth.failure', outcome: 'refused', reason: outcome.reason, ...common })
  }

  /** A subscription ended for a reason of ours. */
  subscriptionEnded(presentity: Impu, subscription: Subscription, reason: string): void {
    const identities = { presentity, watcher: subscription.watcher[0] }
    const detail = { eventPackage: subscription.eventPackage }
    const outcome = reason === 'rejected' ? 'refused' : 'failed'
    this.#audit({ event: 'subscription.ended', outcome, reason, identities, detail })
  }

  /** An XCAP request has its answer: changes, and who may not, are audited. */
  xcapAnswered({ method, target, identities, traceparent }: XcapMessage, status: number): void {
    const name = XCAP_METHODS.has(method) ? method : 'other'
    this.#metrics.counter('rollcall_presence_xcap_answers_total', { method: name, status: String(status) }).add()
    const isChange = method === 'PUT' || method === 'DELETE'
    if (!isChange && status !== 403) return
    const outcome = status < 300 ? 'allowed' : status === 403 ? 'refused' : 'failed'
    const [user] = identities
    const detail = { method, auid: target.split('/', 3).find((part) => part !== '') ?? '', status: String(status) }
    this.#audit({
      event: 'document.changed',
      outcome,
      reason: String(status),
      ...(user !== undefined && { identities: { presentity: user } }),
      ...(traceparent !== '' && { traceparent }),
      detail,
    })
  }

  /** Subscriptions of a watcher ended because it is not registered any more. */
  watcherEnded(count: number): void {
    if (count > 0) this.#metrics.counter('rollcall_presence_watcher_ended_total').add(count)
  }

  expired(count: number): void {
    if (count > 0) this.#metrics.counter('rollcall_presence_expired_total').add(count)
  }

  notified(outcome: NotifyOutcome): void {
    this.#metrics.counter('rollcall_presence_notifies_total', { outcome }).add()
  }

  /** Watchers were left out of a watcher information document. */
  winfoTruncated(): void {
    this.#metrics.counter('rollcall_presence_winfo_truncated_total').add()
  }

  /** What became of a partition here. */
  partition(event: PartitionEvent): void {
    this.#metrics.counter('rollcall_presence_partitions_total', { event }).add()
  }

  /** The right to tell began or ended. */
  lease(isLive: boolean): void {
    this.#metrics.counter('rollcall_presence_leases_total', { event: isLive ? 'began' : 'ended' }).add()
  }

  snapshot(outcome: 'written' | 'failed'): void {
    this.#metrics.counter('rollcall_presence_snapshots_total', { outcome }).add()
  }
}

function told(asked: Asked): Pick<AuditEvent, 'identities' | 'detail' | 'traceparent'> {
  const { method, eventPackage, presentity, identities, traceparent } = asked
  return { identities: { presentity, watcher: identities[0] }, detail: { method, eventPackage }, traceparent }
}

import type { Clock, Random } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  failSpan,
  type HopResult,
  type HopRouter,
  type IdentityHash,
  isTracing,
  startSpan,
  traceparentOf,
} from '@rollcall/runtime'
import { newBranch, serializeMessage } from '@rollcall/sip'
import { WinfoView } from '../actor/view.ts'
import type { PresenceEvents } from '../events.ts'
import type { Notice } from '../partition/notice.ts'
import { type NotifyOutcome, notifyOutcome } from '../partition/notify-outcome.ts'
import { createNotify, nextHop } from './notify-request.ts'

/** What sending takes. */
export interface NotifySenderOptions {
  readonly host: string
  readonly clock: Clock
  readonly random: Random
  readonly hop: Pick<HopRouter, 'send'>
  /** Timer F of the core (readings, Presence 1). */
  readonly timeoutMs: number
  readonly hashIdentity: IdentityHash
  readonly events: PresenceEvents
}

/** Sends NOTIFYs over the hop towards the S-CSCF that recorded its route, and reads what comes back. */
export class NotifySender {
  readonly #o: NotifySenderOptions

  constructor(options: NotifySenderOptions) {
    this.#o = options
  }

  send(partition: number, notice: Notice, cseq: number, done: (outcome: NotifyOutcome) => void): void {
    const { host, clock, random, hop, timeoutMs, events } = this.#o
    const span = this.#startSpan(notice)
    const branch = newBranch(random)
    const nowMs = clock.now()
    const request = createNotify(notice, { cseq, partition, host, branch, nowMs })
    if (notice.view instanceof WinfoView && notice.view.omitted > 0) events.winfoTruncated()
    const envelope = createEnvelope({
      traceparent: traceparentOf(span),
      accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
      receivedAtMs: BigInt(nowMs),
    })
    const { remoteTarget, routeSet } = notice.subscription.dialog
    const message = { sip: serializeMessage(request), branch, envelope }
    const hear = (result: HopResult): void => {
      if (result.kind === 'response' && result.status < 200) return
      const status = result.kind === 'response' ? result.status : 408
      const outcome = notifyOutcome(status)
      span.setAttribute('rollcall.sip.status', status)
      if (result.kind !== 'response') failSpan(span, `HOP_${result.kind.toUpperCase()}`)
      else if (outcome !== 'delivered') failSpan(span, `SIP_${status}`)
      span.end()
      done(outcome)
    }
    hop.send(nextHop(remoteTarget, routeSet), message, hear, { deadlineMs: timeoutMs })
  }

  /**
   * The first NOTIFY of a SUBSCRIBE stands in its trace. One that a PUBLISH caused begins a trace of its own, linked to
   * both: it must not make the publisher's trace as large as the crowd of watchers.
   */
  #startSpan({ subscription, presentity, cause }: Notice) {
    if (!isTracing()) return startSpan('SIP NOTIFY', {})
    const { hashIdentity } = this.#o
    const attributes = {
      'rollcall.sip.method': 'NOTIFY',
      'rollcall.sip.event': subscription.eventPackage,
      'rollcall.presentity_hash': hashIdentity(presentity),
      ...(subscription.watcher[0] ? { 'rollcall.watcher_hash': hashIdentity(subscription.watcher[0]) } : {}),
    }
    if (cause.isSubscribe) {
      return startSpan('SIP NOTIFY', { kind: 'client', parent: cause.traceparent, attributes })
    }
    const links = [cause.traceparent, subscription.traceparent].filter((text) => text !== '')
    return startSpan('SIP NOTIFY', { kind: 'client', root: true, links, attributes })
  }
}

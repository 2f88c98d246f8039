import type { Clock, Random } from '@rollcall/core'
import { failSpan, type IdentityHash, isTracing, startSpan, traceparentOf } from '@rollcall/runtime'
import { newBranch } from '@rollcall/sip'
import { dialogOf } from '../actor/state.ts'
import { WinfoView } from '../actor/winfo-view.ts'
import type { PresenceEvents } from '../events.ts'
import type { Notice } from '../partition/notice.ts'
import { type NotifyOutcome, notifyOutcome } from '../partition/notify-outcome.ts'
import { nextHop, writeNotify } from './notify-request.ts'
import type { NotifyResult, NotifyWay } from './notify-way.ts'

/** What sending takes. */
export interface NotifySenderOptions {
  readonly clock: Clock
  readonly random: Random
  /** The first that leads to the next hop is taken; where none does, the first. */
  readonly ways: readonly [NotifyWay, ...NotifyWay[]]
  readonly hashIdentity: IdentityHash
  readonly events: PresenceEvents
}

/** Sends NOTIFYs along the routes of their dialogs, and reads what comes back. */
export class NotifySender {
  readonly #o: NotifySenderOptions

  constructor(options: NotifySenderOptions) {
    this.#o = options
  }

  send(
    partition: number,
    notice: Notice,
    cseq: number,
    mayLeave: () => boolean,
    done: (outcome: NotifyOutcome) => void,
  ): void {
    const { clock, random, events } = this.#o
    const dialog = dialogOf(notice.subscription)
    const { host, port } = nextHop(dialog)
    const way = this.#wayTo(host)
    const span = this.#startSpan(notice)
    const branch = newBranch(random)
    const nowMs = clock.now()
    const { transport } = way
    const octets = writeNotify(notice, dialog, { cseq, partition, transport, host: way.host, branch, nowMs })
    if (notice.view instanceof WinfoView && notice.view.omitted > 0) events.winfoTruncated()
    const hear = (result: NotifyResult): void => {
      if (result.kind === 'response' && result.status < 200) return
      // Silence, and that nobody is there, count as 408.
      const status = result.kind === 'response' ? result.status : 408
      const outcome = result.kind === 'withdrawn' ? 'withdrawn' : notifyOutcome(status)
      if (isTracing()) {
        span.setAttribute('rollcall.sip.status', status)
        if (result.kind !== 'response') failSpan(span, `HOP_${result.kind.toUpperCase()}`)
        else if (outcome !== 'delivered') failSpan(span, `SIP_${status}`)
        span.end()
      }
      done(outcome)
    }
    way.send({ octets, branch, host, port, traceparent: traceparentOf(span), nowMs, mayLeave }, hear)
  }

  #wayTo(host: string): NotifyWay {
    const { ways } = this.#o
    return ways.find((way) => way.leadsTo(host)) ?? ways[0]
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

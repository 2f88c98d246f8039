import type { Clock, Random } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { createEnvelope, failSpan, type HopRouter, startSpan, traceparentOf } from '@rollcall/runtime'
import { formatVia, newBranch, type SipRequest, serializeMessage } from '@rollcall/sip'
import { type NotifyOutcome, notifyOutcome } from './notify-outcome.ts'

/** Timer F of the core: so long a NOTIFY waits for its answer (readings, Presence 1). */
const NOTIFY_TIMEOUT_MS = 32_000

/** Sends one NOTIFY; `done` is called once, and never before this returns. `mayLeave` is asked whenever it is about to go. */
export type SendNotify = (
  host: string,
  request: SipRequest,
  mayLeave: () => boolean,
  done: (outcome: NotifyOutcome) => void,
) => void

/** Sends NOTIFYs over the hop, towards the P-CSCF or the application server that they go to first. */
export function createNotifySender(o: {
  readonly hop: Pick<HopRouter, 'send'>
  readonly clock: Clock
  readonly random: Random
  /** Of our Via. */
  readonly host: string
}): SendNotify {
  const { hop, clock, random, host: ownHost } = o
  return (host, request, mayLeave, done) => {
    const span = startSpan('SIP NOTIFY', { kind: 'client', attributes: { 'rollcall.sip.method': 'NOTIFY' } })
    const branch = newBranch(random)
    const params = new Map([['branch', branch]])
    request.headers.prepend('Via', formatVia({ transport: 'TLS', host: ownHost, port: undefined, params }))
    const envelope = createEnvelope({
      traceparent: traceparentOf(span),
      accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
      receivedAtMs: BigInt(clock.now()),
    })
    const message = { sip: serializeMessage(request), branch, envelope }
    hop.send(
      host,
      message,
      (result) => {
        if (result.kind === 'response' && result.status < 200) return
        if (result.kind !== 'response') failSpan(span, `HOP_${result.kind.toUpperCase()}`)
        span.end()
        done(outcomeOf(result))
      },
      { deadlineMs: NOTIFY_TIMEOUT_MS, mayLeave },
    )
  }
}

function outcomeOf(result: { readonly kind: string; readonly status?: number }): NotifyOutcome {
  if (result.kind === 'response') return notifyOutcome(result.status ?? 0)
  if (result.kind === 'withdrawn') return 'withdrawn'
  if (result.kind === 'timeout' || result.kind === 'no-route') return 'gone'
  return 'unreachable'
}

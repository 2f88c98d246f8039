import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { createEnvelope, type HopRouter } from '@rollcall/runtime'
import type { NotifyResult, NotifyWay, OutgoingNotify } from './notify-way.ts'

/** Over the hop, towards the S-CSCF that recorded its route. */
export class HopNotifyWay implements NotifyWay {
  readonly transport = 'TLS'
  readonly host: string
  readonly #hop: Pick<HopRouter, 'send' | 'has'>
  readonly #timeoutMs: number

  constructor(o: {
    readonly host: string
    readonly hop: Pick<HopRouter, 'send' | 'has'>
    /** Timer F of the core (readings, Presence 1). */
    readonly timeoutMs: number
  }) {
    this.host = o.host
    this.#hop = o.hop
    this.#timeoutMs = o.timeoutMs
  }

  leadsTo(host: string): boolean {
    return this.#hop.has(host)
  }

  send({ octets, branch, host, traceparent, nowMs, mayLeave }: OutgoingNotify, on: (result: NotifyResult) => void) {
    const envelope = createEnvelope({
      traceparent,
      accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
      receivedAtMs: BigInt(nowMs),
    })
    this.#hop.send(host, { sip: octets, branch, envelope }, on, { deadlineMs: this.#timeoutMs, mayLeave })
  }
}

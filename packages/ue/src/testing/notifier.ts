import { assert } from '@rollcall/core'
import type { SipRequest } from '@rollcall/sip'
import type { FakePcscf } from './fake-pcscf.ts'

/** What proxies between the two record in an initial request. */
export const RECORD_ROUTE: readonly [string, string] = [
  'Record-Route',
  '<sip:token@pcscf.example;lr>,<sip:127.1.8.2:15064;lr>',
]

/** The notifier's side of one subscription; its NOTIFYs carry `<presence/>` unless said otherwise. */
export class Notifier {
  cseq = 0
  readonly #pcscf: FakePcscf
  readonly #tag: string
  #subscribe: SipRequest | undefined

  constructor(pcscf: FakePcscf, tag = 'notifier') {
    this.#pcscf = pcscf
    this.#tag = tag
  }

  /** Answers a SUBSCRIBE. */
  accept(subscribe: SipRequest, expiresSeconds = 600): { status: number; headers: [string, string][] } {
    this.#subscribe = subscribe
    const headers: [string, string][] = [
      ['Contact', '<sip:presence-1@presence.example>'],
      ['Expires', String(Math.min(expiresSeconds, Number(subscribe.headers.get('Expires'))))],
      [...RECORD_ROUTE],
    ]
    return { status: 200, headers }
  }

  learn(subscribe: SipRequest): void {
    this.#subscribe = subscribe
  }

  /** Sends a NOTIFY and gives the status of its answer. */
  async notify(o: { state?: string; cseq?: number; tag?: string; headers?: [string, string][]; body?: Buffer } = {}) {
    const subscribe = this.#subscribe
    assert(subscribe !== undefined, 'a NOTIFY follows a SUBSCRIBE')
    const from = String(subscribe.headers.get('To')).split(';')[0]
    const response = await this.#pcscf.request({
      method: 'NOTIFY',
      headers: [
        ['From', `${from};tag=${o.tag ?? this.#tag}`],
        ['To', String(subscribe.headers.get('From'))],
        ['Call-ID', String(subscribe.headers.get('Call-ID'))],
        ['CSeq', `${o.cseq ?? ++this.cseq} NOTIFY`],
        ['Contact', '<sip:presence-1@presence.example>'],
        ['Event', String(subscribe.headers.get('Event'))],
        ['Subscription-State', o.state ?? 'active;expires=600'],
        ...(o.headers ?? [['Content-Type', 'application/pidf+xml']]),
      ],
      body: o.body ?? Buffer.from('<presence/>'),
    })
    return response.status
  }
}

/** In the fake network the To tag of a response is `fake`, so the notifier has it too. */
export function notifierOf(pcscf: FakePcscf): Notifier {
  return new Notifier(pcscf, 'fake')
}

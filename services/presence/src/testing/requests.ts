import type { Impu } from '@rollcall/core'
import { createRequest, type SipRequest, type SipResponse } from '@rollcall/sip'
import { ALICE, BOB, pidf } from './inputs.ts'
import { PRESENCE_HOST, SCSCF_HOST } from './stack.ts'

let serial = 0

/** A request as it reaches the Presence Server: the UE's Via at the bottom, the S-CSCF's on top. */
function request(
  method: string,
  uri: string,
  from: Impu,
  headers: readonly (readonly [string, string])[],
  body?: Buffer,
): SipRequest {
  const n = ++serial
  return createRequest(
    method,
    uri,
    [
      ['Via', `SIP/2.0/TLS ${SCSCF_HOST};branch=z9hG4bKs${n}`],
      ['Via', `SIP/2.0/UDP 127.0.1.1:15060;branch=z9hG4bKu${n}`],
      ['Route', `<sip:${PRESENCE_HOST};lr>`],
      ['Max-Forwards', '68'],
      ['From', `<${from}>;tag=f${n}`],
      ['To', `<${uri}>`],
      ['Call-ID', `call-${n}`],
      ['CSeq', `${n} ${method}`],
      ...headers,
    ],
    body,
  )
}

/** The same request once more, as the S-CSCF sends it again: its own branch is another, the UE's is not. */
export function again(original: SipRequest): SipRequest {
  const copy = { ...original, headers: original.headers.clone() }
  copy.headers.removeFirst('Via')
  copy.headers.prepend('Via', `SIP/2.0/TLS ${SCSCF_HOST};branch=z9hG4bKagain${++serial}`)
  return copy
}

export function publishRequest(
  o: {
    readonly for?: Impu
    readonly from?: Impu
    readonly etag?: string
    readonly expires?: string
    readonly body?: Buffer
    readonly headers?: readonly (readonly [string, string])[]
  } = {},
): SipRequest {
  const presentity = o.for ?? ALICE
  const body = o.body ?? pidf('here')
  return request(
    'PUBLISH',
    presentity,
    o.from ?? presentity,
    [
      ['Event', 'presence'],
      ['Expires', o.expires ?? '3600'],
      ...(o.etag === undefined ? [] : [['SIP-If-Match', o.etag] as const]),
      ...(body.length > 0 ? [['Content-Type', 'application/pidf+xml'] as const] : []),
      ...(o.headers ?? []),
    ],
    body,
  )
}

export function subscribeRequest(
  o: {
    readonly to?: Impu
    readonly from?: Impu
    readonly event?: string
    readonly expires?: string
    readonly headers?: readonly (readonly [string, string])[]
  } = {},
): SipRequest {
  return request('SUBSCRIBE', o.to ?? ALICE, o.from ?? BOB, [
    ['Event', o.event ?? 'presence'],
    ['Expires', o.expires ?? '3600'],
    ['Contact', '<sip:bob@127.0.1.3:15064>'],
    ['Record-Route', `<sip:term@${SCSCF_HOST};lr>`],
    ...(o.headers ?? []),
  ])
}

/** A third-party REGISTER of the S-CSCF. */
export function registerRequest(
  o: {
    readonly of?: Impu
    readonly expires?: string
    readonly uri?: string
    readonly headers?: readonly (readonly [string, string])[]
  } = {},
): SipRequest {
  const n = ++serial
  const of = o.of ?? ALICE
  return createRequest('REGISTER', o.uri ?? `sip:${PRESENCE_HOST}`, [
    ['Via', `SIP/2.0/TLS ${SCSCF_HOST};branch=z9hG4bKr${n}`],
    ['Max-Forwards', '70'],
    ['From', `<sip:${SCSCF_HOST}>;tag=r${n}`],
    ['To', `<${of}>`],
    ['Call-ID', `register-${n}`],
    ['CSeq', '1 REGISTER'],
    ...(o.headers ?? ([['Contact', `<sip:${SCSCF_HOST}>`]] as const)),
    ['Expires', o.expires ?? '3600'],
  ])
}

/** A SUBSCRIBE in the dialog that `subscribe` and its 200 made. */
export function resubscribeRequest(subscribe: SipRequest, response: SipResponse, expires: string): SipRequest {
  const target = /<([^>]*)>/.exec(response.headers.get('Contact') ?? '')?.[1] ?? ''
  const copy = request('SUBSCRIBE', target, BOB, [
    ['Event', subscribe.headers.get('Event') ?? ''],
    ['Expires', expires],
    ['Contact', '<sip:bob@127.0.1.3:15064>'],
  ])
  for (const name of ['From', 'Call-ID']) copy.headers.set(name, subscribe.headers.get(name) ?? '')
  copy.headers.set('To', response.headers.get('To') ?? '')
  return copy
}

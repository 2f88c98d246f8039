import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, type SipRequest } from '@rollcall/sip'
import type { FakeUe } from './fake-ue.ts'
import { PCSCF_HOST, SCSCF_HOST } from './fixtures.ts'

/** A SUBSCRIBE to registration state, and the envelope it travels in. */
export interface RegSubscribe {
  readonly callId: string
  readonly request: SipRequest
  readonly envelope: Partial<Envelope>
}

/** What a UE's P-CSCF vouches for when it passes a request on. */
export function ueEnvelope(ue: FakeUe): Partial<Envelope> {
  return {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: ue.impi,
    assertedIdentities: [ue.impu],
    deadlineMs: 10_000,
  }
}

/** The SUBSCRIBE of a UE, as its P-CSCF passes it on, or the P-CSCF's own; `id` tells it from others. */
export function regSubscribe(ue: FakeUe, by: 'ue' | 'pcscf', id: number): RegSubscribe {
  const callId = `reg-event-${id}`
  const isUe = by === 'ue'
  const from = isUe ? ue.impu : `sip:${PCSCF_HOST}`
  const request = createRequest('SUBSCRIBE', ue.impu, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKe${id}`],
    ['Route', `<sip:orig@${SCSCF_HOST};lr>`],
    ...(isUe ? [['Record-Route', `<sip:flow@${PCSCF_HOST};lr>`] as const] : []),
    ['Max-Forwards', '69'],
    ['From', `<${from}>;tag=f${id}`],
    ['To', `<${ue.impu}>`],
    ['Call-ID', callId],
    ['CSeq', '1 SUBSCRIBE'],
    ['Event', 'reg'],
    ['Accept', 'application/reginfo+xml'],
    ['Contact', isUe ? `<sip:${ue.address}:15066>` : `<sip:reg-event@${PCSCF_HOST}>`],
    ['Expires', '600000'],
  ])
  const own: Partial<Envelope> = {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
    assertedIdentities: [`sip:token-${ue.impi.slice(0, 15)}@${PCSCF_HOST};lr`],
    deadlineMs: 10_000,
  }
  return { callId, request, envelope: isUe ? ueEnvelope(ue) : own }
}

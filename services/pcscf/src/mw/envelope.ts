import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope } from '@rollcall/runtime'
import type { Incoming } from '../edge/incoming.ts'

/**
 * What we vouch for: how the request was protected on its way to us, which private identity its SA belongs to, and whom
 * it is from. The core believes this and no header.
 */
export function envelopeOf(incoming: Incoming, assertedIdentities: readonly string[] = []): Envelope {
  const { set, traceparent, receivedAtMs } = incoming
  return createEnvelope({
    traceparent,
    accessSecurity: set ? AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN : AccessSecurity.ACCESS_SECURITY_NONE,
    impi: set?.impi ?? '',
    assertedIdentities: [...assertedIdentities],
    receivedAtMs: BigInt(receivedAtMs),
  })
}

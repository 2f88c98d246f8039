import type { HopIncoming } from '@rollcall/runtime'
import { createResponse, parseMessage, serializeMessage } from '@rollcall/sip'
import type { NodePeer } from '@rollcall/sip-node'

/** What other vendors' nodes may send; sessions are set up elsewhere. */
const METHODS = 'REGISTER, PUBLISH, SUBSCRIBE, NOTIFY, MESSAGE, OPTIONS'

/** The response that refuses a request before the S-CSCF's own procedures see it; undefined when they are to. */
export function vendorRefusal(message: Pick<HopIncoming, 'sip'>, peer: NodePeer): Buffer | undefined {
  const request = parseMessage(message.sip)
  if (request.kind !== 'request') return undefined
  // Transactions of INVITE are not spoken at this edge (RFC 3261 section 8.2.1).
  if (request.method === 'INVITE') {
    return serializeMessage(createResponse(request, 405, { toTag: 'scscf', headers: [['Allow', METHODS]] }))
  }
  // guard: register-unverified — a challenge carries CK and IK: it must not leave over a link that nobody protects
  if (request.method === 'REGISTER' && !peer.isVerified) {
    return serializeMessage(createResponse(request, 403, { toTag: 'scscf' }))
  }
  return undefined
}

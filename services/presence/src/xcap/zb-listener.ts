import { type HttpsServer, type PeerHttpRequest, type Runtime, startHttpsServer } from '@rollcall/runtime'
import { parseAssertedIdentity } from './asserted-identity.ts'
import type { XcapFront } from './xcap-front.ts'

/**
 * Listens for the Authentication Proxy: HTTPS with certificates of the trust domain, which stands in for Zb. Who asks is
 * believed from its header because the proxy's certificate has the role, and for no other reason.
 *
 * @throws ListenError
 * @see TS 33.222 clause 6; TS 33.210 (NDS/IP)
 */
export async function startZbListener(o: {
  readonly listen: string
  readonly front: XcapFront
  readonly runtime: Pick<Runtime, 'identity' | 'metrics' | 'audit' | 'log' | 'clock'>
}): Promise<HttpsServer> {
  return await startHttpsServer({
    listen: o.listen,
    listener: 'zb',
    // guard: zb-role — the Authentication Proxy alone says who a user is
    roles: ['ap'],
    runtime: o.runtime,
    handler: async (request) => await o.front.answer(messageOf(request)),
  })
}

function messageOf({ method, target, headers, body, traceparent }: PeerHttpRequest) {
  const asserted = headers['x-3gpp-asserted-identity']
  return {
    method,
    target,
    identities: parseAssertedIdentity(Array.isArray(asserted) ? undefined : asserted),
    contentType: headers['content-type'],
    ifMatch: headers['if-match'],
    ifNoneMatch: headers['if-none-match'],
    body,
    traceparent,
  }
}

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { alternativeNames } from '@rollcall/runtime'
import { identitiesOf } from '../zn/naf-keys.ts'
import type { User } from './user.ts'

/**
 * The user whose certificate a connection has shown, if an authority of UEs issued it. `Choice:` who he is stands in
 * its alternative names, as `sip:` and `tel:` URIs.
 *
 * @see TS 33.222 clause 5.5, TS 33.141 clause 5.1.4
 */
export function userOfCertificate(socket: Socket): User | undefined {
  // guard: ue-certificate — a certificate that no authority of UEs issued proves nothing
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const names = alternativeNames(socket.getPeerCertificate().subjectaltname ?? '')
  const identities = identitiesOf(names.filter(({ kind }) => kind === 'URI').map(({ value }) => value))
  return identities.length === 0 ? undefined : { means: 'client-certificate', identities, impi: undefined, flags: [] }
}

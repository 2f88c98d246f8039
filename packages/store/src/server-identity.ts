import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { StoreServerIdentityError } from './errors.ts'
import { NATS_SERVER_ROLE } from './layout.ts'

/**
 * Checks what TLS alone does not: that a certificate of our authority, with the right name or address, also says that
 * it is a NATS server's (ARCHITECTURE, decision 8). Gives the error, as `tls.connect` wants it.
 */
export function checkNatsServerIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const nameError = checkServerIdentity(host, certificate)
  if (nameError) return nameError
  const names = certificate.subjectaltname ?? ''
  const isNats = names
    .split(', ')
    .some((name) => /^URI:spiffe:\/\/[a-z0-9._-]+\/ns\/ims\/sa\//.test(name) && roleOf(name) === NATS_SERVER_ROLE)
  // guard: nats-server-role — a certificate of ours alone makes nobody a NATS server
  return isNats ? undefined : new StoreServerIdentityError(names)
}

function roleOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1)
}

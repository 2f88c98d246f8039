import { PeerIdentityError } from './errors.ts'
import { isRole, type Role } from './roles.ts'

/** Who is at the other end of a connection, by its certificate. */
export interface Peer {
  readonly role: Role
  readonly spiffeId: string
}

/** A peer as its certificate has it. */
export interface CertifiedPeer extends Peer {
  /** The host names that its certificate claims, in lower case. */
  readonly dnsNames: readonly string[]
}

/** The SPIFFE ID of a role in a trust domain. */
export function spiffeIdOf(trustDomain: string, role: string): string {
  return `spiffe://${trustDomain}/ns/ims/sa/${role}`
}

/**
 * Reads the peer out of a certificate's alternative names, as Node prints them.
 *
 * A certificate that holds more than one URI is no SVID and says nothing (X509-SVID, section 2).
 *
 * @throws PeerIdentityError
 */
export function parsePeer(subjectAltName: string | undefined, trustDomain: string): CertifiedPeer {
  if (subjectAltName === undefined) throw new PeerIdentityError('no-certificate')
  const names = alternativeNames(subjectAltName)
  const uris = names.filter((name) => name.kind === 'URI')
  const [uri] = uris
  // guard: svid-one-uri — with two URIs a peer could be whoever it needs to be
  if (!uri || uris.length !== 1 || !uri.value.startsWith('spiffe://')) throw new PeerIdentityError('no-spiffe-id')
  const prefix = spiffeIdOf(trustDomain, '')
  // guard: trust-domain — a certificate of another trust domain speaks for nobody here
  if (!uri.value.startsWith(prefix)) throw new PeerIdentityError('foreign-trust-domain')
  const role = uri.value.slice(prefix.length)
  if (!isRole(role)) throw new PeerIdentityError('unknown-role')
  const dnsNames = names.filter(({ kind }) => kind === 'DNS').map(({ value }) => value.toLowerCase())
  return { role, spiffeId: uri.value, dnsNames }
}

interface AlternativeName {
  readonly kind: string
  readonly value: string
}

/**
 * Splits `DNS:a, URI:"b, c"`: Node quotes a value like a JSON string when it holds what could be taken for a separator,
 * so that a name cannot smuggle in another one.
 */
export function alternativeNames(text: string): AlternativeName[] {
  const names: AlternativeName[] = []
  const pattern = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    // What we cannot read, we do not guess at: the rest is dropped with it.
    if (!match) return []
    const [, kind = '', value = ''] = match
    // guard: san-quoting — a quoted name may hold what looks like another one
    names.push({ kind, value: value.startsWith('"') ? unquote(value) : value })
  }
  return names
}

function unquote(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return ''
  }
}

import { isIP } from 'node:net'
import { InvalidLeafError } from './errors.ts'

/** What a certificate is to say. */
export interface LeafRequest {
  /** File name without extension. */
  readonly name: string
  /** Last segment of the SPIFFE URI; without it the certificate has its names alone, as another vendor's node has. */
  readonly role?: string
  /** Empty for a certificate that is only a client's. */
  readonly dnsNames: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Further URIs, such as `sip:` and a domain (RFC 5922 section 7.1). */
  readonly uris?: readonly string[]
}

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/
const ROLE = /^[a-z][a-z0-9-]{0,62}$/
const URI = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,255}$/
const DNS_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

/** The SPIFFE ID of a role: what the role tables and NATS's users go by. */
export function spiffeIdOf(trustDomain: string, role: string): string {
  return `spiffe://${trustDomain}/ns/ims/sa/${role}`
}

/** @throws InvalidLeafError when `trustDomain` is none (SPIFFE-ID, section 2.1). */
export function checkTrustDomain(trustDomain: string): void {
  if (!TRUST_DOMAIN.test(trustDomain)) throw new InvalidLeafError('trustDomain', trustDomain)
}

/** @throws InvalidLeafError when a field holds what cannot stand in a file name or in a certificate. */
export function checkLeafRequest(leaf: LeafRequest): void {
  if (!NAME.test(leaf.name) || leaf.name === 'ca') throw new InvalidLeafError('name', leaf.name)
  if (leaf.role !== undefined && !ROLE.test(leaf.role)) throw new InvalidLeafError('role', leaf.role)
  for (const uri of leaf.uris ?? []) if (!URI.test(uri)) throw new InvalidLeafError('uris', uri)
  for (const name of leaf.dnsNames) if (!DNS_NAME.test(name)) throw new InvalidLeafError('dnsNames', name)
  for (const address of leaf.ipAddresses ?? []) {
    if (isIP(address) === 0) throw new InvalidLeafError('ipAddresses', address)
  }
}

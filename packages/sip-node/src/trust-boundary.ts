import type { SipMessage } from '@rollcall/sip'

/** Header fields that only nodes of the trust domain may write and read (TS 24.229 clause 4.4). */
const TRUST_DOMAIN_HEADERS = [
  'P-Asserted-Identity',
  'P-Asserted-Service',
  'P-Charging-Vector',
  'P-Charging-Function-Addresses',
  'P-Access-Network-Info',
  'P-Visited-Network-ID',
  'P-User-Database',
  'P-Profile-Key',
  'P-Served-User',
  'P-Private-Network-Indication',
  'Response-Source',
] as const

/**
 * Takes away what may not cross the border of the trust domain, in either direction.
 *
 * @see TS 24.229 clause 4.4; RFC 3325 sections 5 and 7
 */
export function stripTrustDomain({ headers }: SipMessage): void {
  for (const name of TRUST_DOMAIN_HEADERS) headers.remove(name)
}

import { alternativeNames } from '@rollcall/runtime'

/**
 * The SIP domains that a certificate speaks for, lower case: hosts of its `sip:` URIs, and only where it has none its DNS
 * names. A URI with a user part names a person, and no domain. `Choice:` certificates need no extended key usage for SIP
 * (RFC 5924), since hardly any has it; the common name is not looked at.
 *
 * @see RFC 5922 section 7.1
 */
export function sipDomainsOf(subjectAltName: string): string[] {
  const names = alternativeNames(subjectAltName)
  const domains: string[] = []
  for (const { kind, value } of names) {
    const host = kind === 'URI' ? /^sip:([^@;?:]+)$/i.exec(value)?.[1] : undefined
    if (host !== undefined) domains.push(host.toLowerCase())
  }
  if (domains.length > 0) return domains
  return names.filter(({ kind }) => kind === 'DNS').map(({ value }) => value.toLowerCase())
}

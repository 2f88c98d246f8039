import { InvalidIdentityError, parseImpu } from '@rollcall/core'

/**
 * The form in which a rule's URI is compared with watchers' identities: canonical as an IMPU where it is one; `pres:`
 * names the SIP URI of the same address (RFC 3861 section 3, RFC 5025 section 3.1.1.2). Other URIs, `mailto:`, stay as they are: no watcher's
 * identity is ever equal to them.
 */
export function identityKey(text: string): string {
  const uri = text.trim().replace(/^pres:/i, 'sip:')
  try {
    return parseImpu(uri)
  } catch (cause) {
    if (cause instanceof InvalidIdentityError) return uri
    throw cause
  }
}

/** Whether the key came of a URI that watchers' identities may have, and was readable. */
export function isReadableIdentity(key: string): boolean {
  if (!/^(?:sips?|tel):/i.test(key)) return true
  try {
    return parseImpu(key) === key
  } catch (cause) {
    if (cause instanceof InvalidIdentityError) return false
    throw cause
  }
}

/** Host of a SIP identity, without port; a tel identity has none, and is in no domain. */
export function domainOfIdentity(identity: string): string | undefined {
  const at = identity.lastIndexOf('@')
  if (at < 0) return undefined
  const host = identity.slice(at + 1)
  if (host.startsWith('[')) return host.slice(0, host.indexOf(']') + 1)
  const colon = host.indexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

/**
 * A domain as it is compared: whole, without regard to case, of other letters than ASCII's what stands for them in DNS, and
 * without the dot of the root. What stands for nothing there is equal to no watcher's.
 *
 * @see RFC 4745 section 7.1.3
 */
export function domainKey(text: string): string {
  const domain = text.trim().toLowerCase()
  if (/^[\0-\x7f]*$/.test(domain)) return withoutRoot(domain)
  // guard: domain-whole — of what is more than a domain no part may count as one: others are in it
  if (/[@/?#:\\%\s[\]]/.test(domain)) return domain
  const ascii = withoutRoot(URL.parse(`http://${domain}`)?.hostname ?? '')
  // Digits of other scripts would make an address, which nobody has written.
  return ascii === '' || /^[\d.]+$/.test(ascii) ? domain : ascii
}

/** Whether the key may be a watcher's domain: it is a host, and nothing beside it. */
export function isReadableDomain(key: string): boolean {
  return /^(?:\[[\da-f:.]+\]|[^\0-\x20\x7f-\uffff@/?#:\\%[\]]+)$/.test(key)
}

/** A name without the dot of the root. */
function withoutRoot(domain: string): string {
  return domain.replace(/\.$/, '')
}

/** A contact's URI as `service-uri` is compared with it: scheme and host without regard to case, the rest exactly. */
export function serviceUriKey(text: string): string {
  const match = /^([a-z][a-z0-9+.-]*):(?:([^@?;]*)@)?([^;?]*)(.*)$/is.exec(text.trim())
  if (!match) return text.trim()
  const [, scheme = '', user, host = '', rest = ''] = match
  return `${scheme.toLowerCase()}:${user === undefined ? '' : `${user}@`}${host.toLowerCase()}${rest}`
}

/** Scheme of a URI in lower case; empty when there is none. */
export function schemeKey(text: string): string {
  return /^([a-z][a-z0-9+.-]*):/i.exec(text.trim())?.[1]?.toLowerCase() ?? ''
}

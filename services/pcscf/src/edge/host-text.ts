import { isIPv6 } from 'node:net'

/** An address as the host of a URI or Via: an IPv6 address in brackets (RFC 3261 section 25.1). */
export function hostText(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}

/** Whether the host of a URI or Via is this very address; an IPv6 address has several spellings (RFC 5952 section 2). */
export function isHostAddress(host: string, address: string): boolean {
  return (
    host === address || (host.startsWith('[') && isIPv6(address) && canonical(host) === canonical(hostText(address)))
  )
}

function canonical(host: string): string {
  return URL.parse(`http://${host}`)?.hostname ?? host
}

/** Octets of an IPv6 address come in eight groups; the first four name the network that one user has as a whole. */
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * Whom a rate counts for: an IPv4 address, or the /64 of an IPv6 address, of which whoever has one has them all.
 * `Choice:` RFC 4291 section 2.5.1 makes interface identifiers 64 bits long.
 */
export function sourceNetwork(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [front = '', back] = (address.split('%')[0] ?? '').split('::')
  const groups = front === '' ? [] : front.split(':')
  if (back !== undefined) {
    const last = back === '' ? [] : back.split(':')
    while (groups.length + last.length < GROUPS) groups.push('0')
    groups.push(...last)
  }
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

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

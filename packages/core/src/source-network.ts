import { isIPv6 } from 'node:net'

/** Octets of an IPv6 address come in eight groups; the first four name the network that one user has as a whole. */
const GROUPS = 8
const NETWORK_GROUPS = 4
/** The most that one site is given (RFC 6177 section 2). */
const SITE_GROUPS = 3
/** Before the IPv4 address in one that a socket for both shows, and in one that a translator shows. */
const IPV4_BEHIND = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/**
 * Whom a limit counts for: an IPv4 address, or the /64 of an IPv6 address, of which whoever has one has them all. An IPv4
 * address that a socket for both shows as an IPv6 one is itself, and so is one behind a translator; what is no address is
 * nobody, and all of those together.
 *
 * `Choice:` RFC 4291 section 2.5.1 makes interface identifiers 64 bits long; RFC 6052 section 2.1 has the translators' prefix.
 */
export function sourceNetwork(address: string | undefined): string {
  if (address === undefined || address === '') return 'unknown'
  const groups = groupsOf(address)
  if (groups === undefined) return address
  return ipv4In(groups) ?? prefixOf(groups, NETWORK_GROUPS)
}

/**
 * The /48 of an IPv6 address, the widest network that one owner is given as a rule; undefined for an IPv4 address, whose
 * owner has no more of them by that.
 */
export function sourceSite(address: string | undefined): string | undefined {
  const groups = groupsOf(address ?? '')
  return groups === undefined || ipv4In(groups) !== undefined ? undefined : prefixOf(groups, SITE_GROUPS)
}

function groupsOf(address: string): number[] | undefined {
  if (!isIPv6(address)) return undefined
  const [front = '', back] = (address.split('%')[0] ?? '').split('::')
  const groups = groupsIn(front)
  if (back === undefined) return groups
  const last = groupsIn(back)
  return [...groups, ...Array<number>(GROUPS - groups.length - last.length).fill(0), ...last]
}

/** The last two may be written as an IPv4 address. */
function groupsIn(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function ipv4In(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(GROUPS - 2)
  // guard: source-behind-translator — UEs behind one translator are not one source
  if (!IPV4_BEHIND.includes(textOf(groups.slice(0, GROUPS - 2)))) return undefined
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

function prefixOf(groups: readonly number[], count: number): string {
  return `${textOf(groups.slice(0, count))}::/${count * 16}`
}

function textOf(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':')
}

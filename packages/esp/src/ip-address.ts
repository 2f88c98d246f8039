import { InvalidIpAddressError } from './errors.ts'

const IPV4_OCTETS = 4
const IPV6_OCTETS = 16
const IPV6_GROUPS = 8

/** An address as it stands in an IP header: 4 octets of IPv4 or 16 of IPv6. */
export type IpAddress = Buffer

/**
 * An address from its text: dotted IPv4, or IPv6 in any form of RFC 4291 section 2.2, without brackets and zone.
 *
 * @throws InvalidIpAddressError
 */
export function parseIp(text: string): IpAddress {
  const address = text.includes(':') ? parseIpv6(text) : parseIpv4(text)
  if (address === undefined) throw new InvalidIpAddressError(text)
  return address
}

/** Whether this is an address of IPv6. */
export function isIpv6(address: IpAddress): boolean {
  return address.length === IPV6_OCTETS
}

function parseIpv4(text: string): Buffer | undefined {
  const parts = text.split('.')
  if (parts.length !== IPV4_OCTETS) return undefined
  // A leading zero would mean octal to some readers.
  if (parts.some((part) => !/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return undefined
  // It lives as long as its SA: out of Node's pool it would keep a whole block of that.
  const address = Buffer.alloc(IPV4_OCTETS)
  address.set(parts.map(Number))
  return address
}

function parseIpv6(text: string): Buffer | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const before = readGroups(head, tail === undefined)
  const behind = readGroups(tail ?? '', true)
  if (before === undefined || behind === undefined) return undefined
  const missing = IPV6_GROUPS - before.length - behind.length
  // `::` stands for one group of zeros or more; without it all eight are there.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const address = Buffer.alloc(IPV6_OCTETS)
  for (const [index, group] of [...before, ...new Array<number>(missing).fill(0), ...behind].entries()) {
    address.writeUInt16BE(group, 2 * index)
  }
  return address
}

/** Groups of four hexadecimal digits; the last two may be written as IPv4 where the address ends. */
function readGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const ipv4 = isEnd && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 === undefined) return undefined
    groups.push(ipv4.readUInt16BE(0), ipv4.readUInt16BE(2))
  }
  return groups
}

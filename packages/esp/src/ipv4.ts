import { InvalidIpv4AddressError } from './errors.ts'

/**
 * An IPv4 address from its dotted form.
 *
 * @throws InvalidIpv4AddressError
 */
export function parseIpv4(text: string): number {
  const parts = text.split('.')
  if (parts.length !== 4) throw new InvalidIpv4AddressError(text)
  let address = 0
  for (const part of parts) {
    // A leading zero would mean octal to some readers.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) throw new InvalidIpv4AddressError(text)
    address = address * 256 + Number(part)
  }
  return address
}

/** The dotted form. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

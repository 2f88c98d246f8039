/** Adds 16-bit words, the last one filled up with zero, to a running sum that has not been folded yet. */
export function addWords(sum: number, bytes: Buffer): number {
  let total = sum
  const even = bytes.length & ~1
  for (let i = 0; i < even; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)
  if (even < bytes.length) total += (bytes[even] ?? 0) << 8
  return total
}

/** The Internet checksum of a running sum; 0 for octets that hold their own right checksum (RFC 1071). */
export function foldChecksum(sum: number): number {
  // At most 32 Ki words were added, so that the sum has at most 31 bits.
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return ~folded & 0xffff
}

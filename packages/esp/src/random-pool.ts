import type { Random } from '@rollcall/core'

/** `Choice:` 256 IVs at a time; to ask the system for each by itself costs as much as to encrypt a packet. */
const POOL_OCTETS = 4096

/**
 * Fetches randomness ahead in one piece and hands each octet out once. What it gives is a part of the pool: copy it,
 * do not keep it.
 */
export function pooledRandom(random: Random): Random {
  let pool: Buffer = Buffer.alloc(0)
  let at = 0
  return {
    bytes(count) {
      if (count > POOL_OCTETS) return random.bytes(count)
      if (at + count > pool.length) {
        pool = random.bytes(POOL_OCTETS)
        at = 0
      }
      at += count
      return pool.subarray(at - count, at)
    },
  }
}

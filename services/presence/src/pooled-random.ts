import { assert, type Random } from '@rollcall/core'

/** Drawn at once: asking the kernel's generator costs the same for 8 octets and for thousands. */
const POOL_OCTETS = 4_096

/**
 * The same randomness in fewer draws: a tag is 8 octets, and each PUBLISH needs two of them. No octet is given out
 * twice.
 */
export function pooledRandom(source: Random): Random {
  let pool: Buffer = Buffer.alloc(0)
  let used = 0
  return {
    bytes(count) {
      assert(count <= POOL_OCTETS, 'tags and branches are short')
      if (used + count > pool.length) {
        pool = source.bytes(POOL_OCTETS)
        used = 0
      }
      const octets = Buffer.from(pool.subarray(used, used + count))
      pool.fill(0, used, used + count)
      used += count
      return octets
    },
  }
}

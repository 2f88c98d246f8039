import { createHash, randomBytes } from 'node:crypto'

/** Randomness as an argument. */
export interface Random {
  /** `count` fresh octets. */
  bytes(count: number): Buffer
}

/** `Choice:` what is fetched ahead: to ask the system for each branch and tag costs ten times as much. */
const POOL_OCTETS = 4096
/** Longer pieces are fetched by themselves. */
const PIECE_OCTETS_MAX = 256

/** The machine's cryptographic source. Small pieces come out of a pool: each octet once, and it is wiped there. */
export const systemRandom: Random = createSystemRandom()

function createSystemRandom(): Random {
  let pool: Buffer = Buffer.alloc(0)
  let at = 0
  return {
    bytes(count) {
      if (count > PIECE_OCTETS_MAX) return randomBytes(count)
      if (at + count > pool.length) {
        pool = randomBytes(POOL_OCTETS)
        at = 0
      }
      const end = at + count
      const piece = Buffer.from(pool.subarray(at, end))
      pool.fill(0, at, end)
      at = end
      return piece
    },
  }
}

/** A repeatable source for tests and simulation: SHA-256 over seed and counter. Never for keys. */
export function seededRandom(seed: string): Random {
  let counter = 0
  return {
    bytes(count) {
      const parts: Buffer[] = []
      for (let have = 0; have < count; have += 32) {
        parts.push(createHash('sha256').update(`${seed}:${counter++}`).digest())
      }
      return Buffer.concat(parts).subarray(0, count)
    },
  }
}

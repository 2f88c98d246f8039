import { createHash, randomBytes } from 'node:crypto'

/** Randomness as an argument. */
export interface Random {
  /** `count` fresh octets. */
  bytes(count: number): Buffer
}

/** The machine's cryptographic source. */
export const systemRandom: Random = { bytes: (count) => randomBytes(count) }

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

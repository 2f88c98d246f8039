import { test } from 'node:test'
import { type Random, seededRandom } from '@rollcall/core'

/** `ROLLCALL_E2E_SEEDS=7,9`: these, and not the ones that CI plays. */
const SEEDS_VARIABLE = 'ROLLCALL_E2E_SEEDS'

/** Choices that are the same for the same seed. */
export class Dice {
  readonly random: Random

  constructor(seed: string) {
    this.random = seededRandom(seed)
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return this.random.bytes(6).readUIntBE(0, 6) % below
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True `of` times in a hundred. */
  percent(of: number): boolean {
    return this.below(100) < of
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.below(from.length)]
    if (chosen === undefined) throw new RangeError('nothing to pick from')
    return chosen
  }

  shuffled<T>(from: readonly T[]): T[] {
    const left = [...from]
    const out: T[] = []
    while (left.length > 0) out.push(...left.splice(this.below(left.length), 1))
    return out
  }
}

/** The seeds to play: those that a person asks for, else the ones that CI plays. */
export function seedsOf(inCi: readonly number[], env: NodeJS.ProcessEnv = process.env): readonly number[] {
  const asked = (env[SEEDS_VARIABLE] ?? '').split(',').filter((text) => text !== '')
  return asked.length > 0 ? asked.map(Number) : inCi
}

/** A seed did not end as it should: the message is the command that plays it again. */
export class RedSeedError extends Error {
  override readonly name = 'RedSeedError'
}

/**
 * One test a seed. A seed fixes what is done and in which order; what real processes make of it still varies a little.
 *
 * @param o.file part of the path of the test file, for the command that plays a red seed again.
 */
export function testSeeds(o: {
  file: string
  seeds: readonly number[]
  title: (seed: number) => string
  skip?: string | false
  play: (dice: Dice, seed: number, tell: (line: string) => void) => Promise<void>
}): void {
  for (const seed of seedsOf(o.seeds)) {
    test(`${o.title(seed)} (seed ${seed})`, { skip: o.skip ?? false }, async (t) => {
      try {
        await o.play(new Dice(`${o.file} ${seed}`), seed, (line) => t.diagnostic(line))
      } catch (cause) {
        throw new RedSeedError(`seed ${seed} is red; again: ${SEEDS_VARIABLE}=${seed} npm test -- ${o.file}`, { cause })
      }
    })
  }
}

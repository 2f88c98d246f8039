import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { type Random, seededRandom } from '@rollcall/core'
import { exerciseMessage } from './testing/exercise.ts'
import { tortureMessage } from './testing/rfc4475.ts'
import { REGISTER_WITH_OFFERS, SUBSCRIBE, TORTUOUS_SUBSCRIBE, wire } from './vectors/messages.ts'

const SEEDS = ['bytes-1', 'bytes-2', 'bytes-3']
/** Mutants of each message and seed. */
const MUTANTS = 8

const CORPUS: readonly Buffer[] = [
  ...[wire(SUBSCRIBE, 'body'), wire(TORTUOUS_SUBSCRIBE), wire(REGISTER_WITH_OFFERS)],
  ...readdirSync(new URL('./vectors/rfc4475/', import.meta.url))
    .filter((name) => name.endsWith('.dat'))
    .map((name) => tortureMessage(name.slice(0, -4))),
]

/** Whole numbers below a limit, out of a seed. */
class Dice {
  readonly #random: Random
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(seed: string) {
    this.#random = seededRandom(seed)
  }

  below(limit: number): number {
    if (this.#at + 4 > this.#bytes.length) {
      this.#bytes = this.#random.bytes(4_096)
      this.#at = 0
    }
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value % limit
  }
}

/** Changes that know nothing of SIP: bits, octets, pieces taken out, doubled, moved, or put in from another message. */
function mutate(message: Buffer, other: Buffer, dice: Dice): Buffer {
  let bytes: Buffer = Buffer.from(message)
  for (let changes = 1 + dice.below(4); changes > 0 && bytes.length > 0; changes--) {
    const at = dice.below(bytes.length)
    const end = Math.min(bytes.length, at + 1 + dice.below(40))
    const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
    const from = dice.below(other.length)
    switch (dice.below(6)) {
      case 0:
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << dice.below(8)), at)
        break
      case 1:
        bytes.writeUInt8(dice.below(256), at)
        break
      case 2:
        bytes = Buffer.concat([before, after])
        break
      case 3:
        bytes = Buffer.concat([before, piece, piece, after])
        break
      case 4:
        bytes = Buffer.concat([after, piece, before])
        break
      default:
        bytes = Buffer.concat([before, other.subarray(from, from + 60), piece, after])
    }
  }
  return bytes
}

for (const seed of SEEDS) {
  test(`octets changed at random are read or refused by a typed error (seed ${seed})`, () => {
    const dice = new Dice(seed)
    const seen = { read: 0, refused: 0 }
    for (const message of CORPUS) {
      for (let mutant = 0; mutant < MUTANTS; mutant++) {
        const bytes = mutate(message, CORPUS[dice.below(CORPUS.length)] ?? message, dice)
        seen[exerciseMessage(bytes)] += 1
      }
    }
    assert.ok(seen.read > 40 && seen.refused > 40, JSON.stringify(seen))
  })
}

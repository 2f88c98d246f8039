import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SEQUENCE_MAX } from './packet.ts'
import { ReplayWindow } from './replay-window.ts'

/** Takes a sequence number as an SA does whose packets are all genuine. */
function take(window: ReplayWindow, sequence: number): boolean {
  if (!window.check(sequence)) return false
  window.accept(sequence)
  return true
}

/** The rule as RFC 4303 section 3.4.3 words it, without any cleverness. */
class PlainWindow {
  readonly #seen = new Set<number>()
  #top = 0
  readonly #size: number
  constructor(size: number) {
    this.#size = size
  }
  take(sequence: number): boolean {
    if (sequence === 0 || sequence <= this.#top - this.#size || this.#seen.has(sequence)) return false
    this.#seen.add(sequence)
    this.#top = Math.max(this.#top, sequence)
    return true
  }
}

test('refuses zero, what was seen, and what lies left of the window (RFC 4303 section 3.4.3)', () => {
  const window = new ReplayWindow()
  assert.equal(take(window, 0), false)
  assert.equal(take(window, 1), true)
  assert.equal(take(window, 1), false)
  assert.equal(take(window, 100), true)
  assert.equal(take(window, 36), false, 'one left of the window')
  assert.equal(take(window, 37), true, 'the left edge')
  assert.equal(take(window, 37), false)
  assert.equal(take(window, 0), false)
})

test('goes up to the last sequence number there is', () => {
  const window = new ReplayWindow()
  assert.equal(take(window, SEQUENCE_MAX), true)
  assert.equal(take(window, SEQUENCE_MAX), false)
  assert.equal(take(window, SEQUENCE_MAX - 63), true)
  assert.equal(take(window, SEQUENCE_MAX - 63), false)
  assert.equal(take(window, SEQUENCE_MAX - 64), false)
})

test('a check alone changes nothing: a forged packet cannot move the window', () => {
  const window = new ReplayWindow()
  assert.equal(take(window, 5), true)
  assert.equal(window.check(SEQUENCE_MAX), true)
  assert.equal(window.top, 5)
  assert.equal(take(window, 4), true)
})

test('agrees with the plain rule for any order of arrival and any size', () => {
  const near = fc.integer({ min: 0, max: 400 })
  const steps = fc.array(fc.oneof({ weight: 20, arbitrary: near }, { weight: 1, arbitrary: fc.nat(1_000_000) }), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(
      steps,
      fc.constantFrom(32, 64, 96, 128),
      fc.constantFrom(0, 31, 0x7fff_ff00, 0xffff_0000),
      (list, size, base) => {
        const window = new ReplayWindow(size)
        const plain = new PlainWindow(size)
        for (const step of list) {
          const sequence = Math.min(base + step, SEQUENCE_MAX)
          assert.equal(take(window, sequence), plain.take(sequence), `${sequence} of ${list.join()}`)
        }
      },
    ),
    { seed: 11, numRuns: 400 },
  )
})

test('agrees with the plain rule when packets come nearly in order', () => {
  const jitter = fc.array(fc.integer({ min: -70, max: 40 }), { minLength: 100, maxLength: 400 })
  fc.assert(
    fc.property(jitter, (shifts) => {
      const window = new ReplayWindow()
      const plain = new PlainWindow(64)
      shifts.forEach((shift, index) => {
        const sequence = Math.max(0, index + shift)
        assert.equal(take(window, sequence), plain.take(sequence))
      })
    }),
    { seed: 12 },
  )
})

test('takes sizes of whole words only', () => {
  for (const size of [0, -32, 33, 8192]) assert.throws(() => new ReplayWindow(size), /no replay window/)
})

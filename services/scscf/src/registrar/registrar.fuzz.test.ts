import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthenticationVector, encodeAuts } from '@rollcall/aka'
import { Secret, VirtualClock } from '@rollcall/core'
import fc from 'fast-check'
import { ALICE_PROFILE, answer, contact, digest, nonceOf, REALM, register, vector } from '../testing/fixtures.ts'
import type { RegisterAnswer } from './attempt.ts'
import type { RegisterRequest } from './register-request.ts'
import { Registrar } from './registrar.ts'

const SEED = 33_141
const AWAIT_MS = 240_000
const PER_IMPI_MAX = 4

/** One thing that happens: somebody sends a REGISTER, a question is answered, or time passes. */
type Happening =
  | {
      readonly kind: 'send'
      readonly what: 'fresh' | 'right' | 'wrong' | 'in-the-clear' | 'stale' | 'auts' | 'mac-failure'
      readonly source: number
      readonly call: number
      readonly isProtected: boolean
      readonly isEnd: boolean
      /** Everybody who is asked answers well at once. */
      readonly isSmooth: boolean
    }
  | { readonly kind: 'resolve'; readonly pick: number; readonly outcome: 'success' | 'refused' | 'away' }
  | { readonly kind: 'advance'; readonly ms: number }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      what: fc.constantFrom(
        'fresh',
        'fresh',
        'right',
        'right',
        'wrong',
        'in-the-clear',
        'stale',
        'auts',
        'mac-failure',
      ),
      source: fc.nat(1),
      call: fc.nat(1),
      isProtected: fc.boolean(),
      isEnd: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
      isSmooth: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('resolve' as const),
      pick: fc.nat(),
      outcome: fc.constantFrom('success', 'success', 'success', 'refused', 'away'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(1_000, AWAIT_MS / 2, AWAIT_MS + 1),
    }),
  },
)

const BOUND = { instance: 'urn:gsma:imei:1', sourceAddress: '127.0.1.1', uris: ['sip:alice@127.0.1.1:15066'] }

/** The registrar with everybody around it, and what must never happen. */
class World {
  readonly clock = new VirtualClock()
  readonly #asked: ((outcome: 'success' | 'refused' | 'away') => void)[] = []
  readonly #issued: AuthenticationVector[] = []
  readonly #answers = new Map<RegisterRequest, RegisterAnswer[]>()
  readonly #nonces = new Set<string>()
  #isBound = false
  binds = 0
  unbinds = 0
  /** What a port found: it is called by promises that nobody here holds. */
  failure: Error | undefined
  #cseq = 0
  #vectors = 0

  readonly registrar = new Registrar({
    clock: this.clock,
    limits: { perImpiMax: PER_IMPI_MAX, attemptsMax: 100 },
    rules: { realm: REALM, repeatsMax: 2, algorithm: 'AKAv1-MD5' },
    awaitAuthMs: AWAIT_MS,
    events: { challenged() {}, verified() {}, accepted() {}, refused() {}, timedOut() {} },
    store: {
      boundInstance: () => (this.#isBound ? BOUND : undefined),
      bind: (request) => {
        this.binds++
        this.#check(() => isProven(request, this.#issued))
        return this.#ask('success', () => {
          this.#isBound = true
          return { kind: 'accepted', answer: { toTag: 't', headers: [] } }
        })
      },
      unbind: (request) => {
        this.unbinds++
        // Whoever ends a registration has the keys of one of its security associations.
        this.#check(() => request.isProtected)
        return this.#ask('success', () => {
          this.#isBound = false
          return { kind: 'accepted', answer: { toTag: 't', headers: [] } }
        })
      },
    },
    cx: {
      authorize: () => this.#ask('any', () => ({ kind: 'success' })),
      fetchVector: () =>
        this.#ask('any', () => {
          const fresh = vector(`vector ${this.#vectors++}`)
          this.#issued.push(fresh)
          return { kind: 'success', vector: fresh }
        }),
      assign: (request) => {
        this.#check(() => isProven(request, this.#issued))
        return this.#ask('any', () => ({ kind: 'success', profile: ALICE_PROFILE }))
      },
      report: () => {},
    },
  })

  async run(event: Happening): Promise<void> {
    if (event.kind === 'advance') this.clock.advance(event.ms)
    else if (event.kind === 'resolve')
      this.#asked.splice(event.pick % Math.max(1, this.#asked.length), 1)[0]?.(event.outcome)
    else this.#send(event)
    if (event.kind === 'send' && event.isSmooth) await this.#answerAll()
    await settle()
    assert.ok(this.registrar.attempts <= PER_IMPI_MAX)
    if (this.failure) throw this.failure
  }

  /** Lets everything come to its end, and looks whether everybody was answered once. */
  async finish(): Promise<void> {
    await this.#answerAll()
    this.clock.advance(AWAIT_MS + 1)
    await settle()
    if (this.failure) throw this.failure
    for (const [request, answers] of this.#answers) {
      assert.equal(answers.length, 1, `${request.authorization.kind} was answered ${answers.length} times`)
    }
    assert.equal(this.registrar.attempts, 0)
    assert.equal(this.clock.pending, 0)
  }

  async #answerAll(): Promise<void> {
    await settle()
    while (this.#asked.length > 0) {
      for (const resolve of this.#asked.splice(0)) resolve('success')
      await settle()
    }
  }

  #send(event: Extract<Happening, { kind: 'send' }>): void {
    const request = this.#requestOf(event)
    const answers: RegisterAnswer[] = []
    this.#answers.set(request, answers)
    void this.registrar.handle(request).then((given) => {
      answers.push(given)
      if (given.kind !== 'challenge') return
      const { nonce } = given.challenge
      assert.ok(!this.#nonces.has(nonce), 'a nonce was sent twice')
      this.#nonces.add(nonce)
    })
  }

  #requestOf({ what, source, call, isProtected, isEnd }: Extract<Happening, { kind: 'send' }>): RegisterRequest {
    this.#cseq += 1
    const common = {
      cseq: this.#cseq,
      callId: `call-${call}`,
      source: {
        host: `127.0.1.${source + 1}`,
        port: isProtected && what !== 'in-the-clear' ? 40_000 + this.#cseq : 15_060,
      },
      isProtected,
      expiresSeconds: isEnd ? 0 : 3_600,
      contact: contact('urn:gsma:imei:1'),
    }
    const newest = this.#issued.at(-1) ?? vector('none')
    const nonce = nonceOf(newest)
    switch (what) {
      case 'fresh':
        return register(common)
      case 'right':
        return answer(newest, common)
      case 'wrong': {
        const received = digest(nonce, new Secret(Buffer.alloc(8)))
        return register({ ...common, authorization: { kind: 'response', nonce, digest: received } })
      }
      case 'in-the-clear':
        // Also by who began under protection: its source is another port then, and it begins anew.
        return answer(newest, { ...common, isProtected: false })
      case 'stale':
        return answer(this.#issued[0] ?? newest, common)
      case 'auts':
        return register({
          ...common,
          authorization: { kind: 'resynchronise', nonce, auts: encodeAuts(Buffer.alloc(14)) },
        })
      case 'mac-failure':
        return register({ ...common, authorization: { kind: 'no-response', nonce } })
    }
  }

  #check(holds: () => boolean): void {
    if (!holds()) this.failure ??= new Error('somebody got what he has no right to')
  }

  #ask<T>(
    kind: 'any' | 'success',
    success: () => T,
  ): Promise<
    T | { kind: 'refused'; reason: 'hss-refused' } | (T extends { kind: 'accepted' } ? never : { kind: 'unavailable' })
  > {
    return new Promise((resolve) => {
      this.#asked.push((outcome) => {
        if (outcome === 'refused') resolve({ kind: 'refused', reason: 'hss-refused' })
        else if (outcome === 'away' && kind === 'any') resolve({ kind: 'unavailable' } as never)
        else resolve(success())
      })
    })
  }
}

/** Nobody is bound who has not shown RES, under protection, for a nonce that was issued. */
function isProven({ authorization, isProtected }: RegisterRequest, issued: readonly AuthenticationVector[]): boolean {
  if (!isProtected || authorization.kind !== 'response') return false
  const challenge = issued.find((vector) => nonceOf(vector) === authorization.nonce)
  return (
    challenge !== undefined && authorization.digest.response === digest(authorization.nonce, challenge.xres).response
  )
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

test('whatever is sent in whatever order, nobody is bound without RES and everybody is answered once', async () => {
  let binds = 0
  let unbinds = 0
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 80, size: 'max' }), async (happenings) => {
      const world = new World()
      for (const event of happenings) await world.run(event)
      await world.finish()
      binds += world.binds
      unbinds += world.unbinds
    }),
    { seed: SEED, numRuns: 500 },
  )
  assert.ok(binds > 100 && unbinds > 100, `only ${binds} binds and ${unbinds} unbinds were reached`)
})

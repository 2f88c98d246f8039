import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impi, VirtualClock } from '@rollcall/core'
import { ALICE_PROFILE, answer, BOB_IMPI, PHONE, REALM, register, vector } from '../testing/fixtures.ts'
import type { RegisterAnswer } from './attempt.ts'
import type { RegisterRequest } from './register-request.ts'
import { Registrar } from './registrar.ts'

const AWAIT_MS = 240_000

/** A registrar whose HSS and store answer at once. */
function createRegistrar(options: { attemptsMax?: number; knownSource?: string } = {}) {
  const clock = new VirtualClock()
  const reports: string[] = []
  let vectors = 0
  const registrar = new Registrar({
    clock,
    limits: { perImpiMax: 4, attemptsMax: options.attemptsMax ?? 100 },
    rules: { realm: REALM, repeatsMax: 2, algorithm: 'AKAv1-MD5' },
    awaitAuthMs: AWAIT_MS,
    events: { challenged() {}, verified() {}, accepted() {}, refused() {}, timedOut: () => reports.push('timed out') },
    store: {
      boundInstance: () =>
        options.knownSource === undefined
          ? undefined
          : { instance: 'urn:gsma:imei:1', sourceAddress: options.knownSource, uris: ['sip:alice@127.0.1.1:15066'] },
      bind: async () => ({ kind: 'accepted', answer: { toTag: 't', headers: [] } }),
      unbind: async () => ({ kind: 'accepted', answer: { toTag: 't', headers: [] } }),
    },
    cx: {
      authorize: async () => ({ kind: 'success' }),
      fetchVector: async () => ({ kind: 'success', vector: vector(`v${vectors++}`) }),
      assign: async () => ({ kind: 'success', profile: ALICE_PROFILE }),
      report: (type, impi) => reports.push(`${type} ${impi}`),
    },
  })
  return { clock, registrar, reports }
}

function from(host: string, changes: Partial<RegisterRequest> = {}): RegisterRequest {
  return register({ source: { host, port: 15_060 }, callId: `call of ${host}`, ...changes })
}

function said(given: RegisterAnswer): string {
  return given.kind === 'refused' ? given.reason : given.kind
}

test('the answer over the new security association is found by Call-ID and nonce, from whatever port', async () => {
  const { registrar } = createRegistrar()
  assert.equal(said(await registrar.handle(register())), 'challenge')
  assert.equal(said(await registrar.handle(answer(vector('v0')))), 'accepted')
  assert.equal(registrar.attempts, 0)
})

test('an answer with another Call-ID is none (TS 24.229 clause 5.4.1.2.2)', async () => {
  const { registrar } = createRegistrar()
  await registrar.handle(register())
  assert.equal(said(await registrar.handle(answer(vector('v0'), { callId: 'other' }))), 'challenge')
})

test('attempts from different sources do not disturb each other (readings, Access 2)', async () => {
  const { registrar } = createRegistrar()
  const victim = register()
  await registrar.handle(victim)
  // A stranger knows everything that was sent in the clear, and sends from elsewhere.
  const stranger = { source: { host: '127.0.9.9', port: 15_060 }, cseq: 2 }
  await registrar.handle(register({ ...stranger }))
  const authorization = {
    kind: 'no-response',
    nonce: Buffer.concat([vector('v0').rand, vector('v0').autn]).toString('base64'),
  } as const
  assert.equal(said(await registrar.handle(register({ ...stranger, cseq: 3, authorization }))), 'challenge')
  assert.equal(said(await registrar.handle(answer(vector('v0')))), 'accepted')
})

test('a fifth attempt of an IMPI is refused with 503 while four are pending (readings, Access 2)', async () => {
  const { registrar } = createRegistrar()
  for (let host = 1; host <= 4; host++) await registrar.handle(from(`127.0.9.${host}`))
  assert.equal(said(await registrar.handle(from('127.0.9.5'))), 'attempts-full')
  assert.equal(said(await registrar.handle(from('127.0.9.5', { impi: BOB_IMPI }))), 'challenge')
  // One of the four begins anew: that is no fifth.
  assert.equal(said(await registrar.handle(from('127.0.9.2', { cseq: 2 }))), 'challenge')
})

test('strangers cannot lock out the user: protected, or from the registered address, it takes a place', async () => {
  const protectedUser = createRegistrar()
  for (let host = 1; host <= 4; host++) await protectedUser.registrar.handle(from(`127.0.9.${host}`))
  const reregister = from('127.0.1.1', { isProtected: true })
  assert.equal(said(await protectedUser.registrar.handle(reregister)), 'challenge')
  assert.equal(protectedUser.registrar.attempts, 4)

  const known = createRegistrar({ knownSource: '127.0.1.1' })
  for (let host = 1; host <= 4; host++) await known.registrar.handle(from(`127.0.9.${host}`))
  assert.equal(said(await known.registrar.handle(from('127.0.1.1'))), 'challenge')
  // The oldest of the strangers has kept its place; the newest has lost it.
  assert.equal(said(await known.registrar.handle(answerTo('127.0.9.1', 'v0'))), 'accepted')
  assert.equal(said(await known.registrar.handle(answerTo('127.0.9.4', 'v3'))), 'challenge')
})

function answerTo(host: string, seed: string): RegisterRequest {
  return answer(vector(seed), { callId: `call of ${host}` })
}

test('the table of attempts has an end, for all IMPIs together', async () => {
  const { registrar } = createRegistrar({ attemptsMax: 3 })
  for (const number of [1, 2, 3]) await registrar.handle(register({ impi: `${number}@${REALM}` as Impi }))
  assert.equal(said(await registrar.handle(register({ impi: `4@${REALM}` as Impi }))), 'overload')
})

test('a challenge that is not answered within reg-await-auth is over (TS 24.229 table 7.8.1)', async () => {
  const { clock, registrar, reports } = createRegistrar()
  await registrar.handle(register())
  clock.advance(AWAIT_MS - 1)
  assert.equal(registrar.attempts, 1)
  clock.advance(1)
  assert.equal(registrar.attempts, 0)
  assert.deepEqual(reports, ['timed out', `timeout ${PHONE}`])
  assert.equal(said(await registrar.handle(answer(vector('v0')))), 'challenge')
})

test('an answered attempt leaves no timer behind', async () => {
  const { clock, registrar } = createRegistrar()
  await registrar.handle(register())
  await registrar.handle(answer(vector('v0')))
  assert.equal(clock.pending, 0)
  await registrar.handle(register())
  registrar.stop()
  assert.equal(clock.pending, 0)
})

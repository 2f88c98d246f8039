import assert from 'node:assert/strict'
import test from 'node:test'
import { inspect } from 'node:util'
import { tmpiOf } from '@rollcall/gba'
import { NetworkAuthenticationError } from '../errors.ts'
import { memoryIsimStore } from '../isim-store.ts'
import { BSF, openUtBench } from '../testing/ut-world.ts'
import {
  BootstrappingRefusedError,
  MalformedUtAnswerError,
  UtPeerNotAuthenticError,
  UtUnreachableError,
} from './errors.ts'

const ADDRESS = '127.47.1.1'

test('bootstraps: names the IMPI first, then answers with RES under auth-int (TS 24.109 clause 4.2)', async () => {
  await using bench = await openUtBench(ADDRESS)
  const before = Date.now()
  const { btid, expiresAtMs } = await bench.ut.bootstrap()
  const [first, second, ...more] = bench.bsf.requests
  assert.equal(more.length, 0)
  assert.deepEqual(
    [first?.username, first?.realm, first?.nonce, first?.uri, first?.response, first?.algorithm, first?.qop],
    ['001010000000001@ims.mnc001.mcc001.3gppnetwork.org', BSF, '', '/', '', undefined, undefined],
  )
  assert.deepEqual(
    [second?.algorithm, second?.qop, second?.nc, second?.opaque, second?.realm],
    ['AKAv1-MD5', 'auth-int', '00000001', '5ccc069c403ebaf9f0171e9517f40e41', BSF],
  )
  assert.deepEqual([...bench.bsf.sessions.keys()], [btid])
  assert.ok(expiresAtMs >= before + 3_599_000 && expiresAtMs <= Date.now() + 3_600_000)
})

test('an SQN out of range is answered with AUTS, and the next vector is taken (TS 24.109 clause 4.5, RFC 3310 section 3.4)', async () => {
  await using bench = await openUtBench(ADDRESS)
  await bench.ut.bootstrap()
  bench.bsf.twists.sqn = 1n
  await bench.ut.bootstrap()
  const resynchronised = bench.bsf.requests.filter(({ auts }) => auts !== undefined)
  assert.equal(resynchronised.length, 1)
  assert.equal(bench.bsf.sessions.size, 2)
})

test('a BSF whose SQN stays out of range is left alone', async () => {
  await using bench = await openUtBench(ADDRESS)
  await bench.ut.bootstrap()
  bench.bsf.twists.sqnAlways = 1n
  await assert.rejects(bench.ut.bootstrap(), NetworkAuthenticationError)
})

test('a wrong MAC gets no answer: whoever sent it does not know K (TS 24.109 clause 4.4, TS 33.220 clause 4.5.2)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.hasWrongMac = true
  await assert.rejects(bench.ut.bootstrap(), NetworkAuthenticationError)
  assert.equal(bench.bsf.requests.length, 1)
})

test('a RES that is refused is tried once more with the next vector, and no more (TS 24.109 clause 4.3)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.refusals = 1
  await bench.ut.bootstrap()
  assert.equal(bench.bsf.requests.length, 3)
  bench.bsf.twists.refusals = 9
  await assert.rejects(bench.ut.bootstrap(), BootstrappingRefusedError)
  assert.equal(bench.bsf.requests.length, 6)
})

test('a 200 whose rspauth is wrong or absent is not taken (RFC 3310 section 3.5)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.rspauth = '0'.repeat(32)
  await assert.rejects(bench.ut.bootstrap(), UtPeerNotAuthenticError)
  bench.bsf.twists.rspauth = undefined
  bench.bsf.twists.hasNoProof = true
  await assert.rejects(bench.ut.bootstrap(), UtPeerNotAuthenticError)
  assert.equal(bench.ut.bootstrapped, undefined)
})

test('a 200 without a challenge, a challenge without auth-int and a body that says nothing are refused', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.isLax = true
  await assert.rejects(bench.ut.bootstrap(), MalformedUtAnswerError)
  bench.bsf.twists.isLax = false
  bench.bsf.twists.qop = 'auth'
  await assert.rejects(bench.ut.bootstrap(), MalformedUtAnswerError)
  bench.bsf.twists.qop = 'auth-int'
  bench.bsf.twists.algorithm = 'MD5'
  await assert.rejects(bench.ut.bootstrap(), MalformedUtAnswerError)
  bench.bsf.twists.algorithm = 'AKAv1-MD5'
  bench.bsf.twists.body = '<BootstrappingInfo xmlns="uri:3gpp-gba"/>'
  await assert.rejects(bench.ut.bootstrap(), MalformedUtAnswerError)
})

test('a refusal is told with its status and when to come again', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.status = 403
  await assert.rejects(bench.ut.bootstrap(), (error: unknown) => {
    return error instanceof BootstrappingRefusedError && error.status === 403 && error.retryAfterSeconds === 7
  })
  await bench.bsf[Symbol.asyncDispose]()
  await assert.rejects(bench.ut.bootstrap(), UtUnreachableError)
})

test("the lifetime counts by the BSF's own clock (TS 24.109 annex C)", async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.clockAheadMs = 86_400_000
  const { expiresAtMs } = await bench.ut.bootstrap()
  assert.ok(Math.abs(expiresAtMs - Date.now() - 3_600_000) < 5_000)
})

test('a key past its lifetime is none, and the next request bootstraps anew (TS 33.220 clause 4.5.2, TS 33.220 clause 4.4.8)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.lifetimeMs = 1_000
  await bench.ut.bootstrap()
  assert.equal(bench.ut.bootstrapped, undefined)
})

test('two registrations and bootstrappings of one ISIM at once forget no SQN', async () => {
  const isimStore = memoryIsimStore()
  await using one = await openUtBench(ADDRESS, { isimStore })
  await using two = await openUtBench('127.47.1.2', { isimStore })
  two.bsf.twists.sqn = 33n
  await Promise.all([one.ut.bootstrap(), two.ut.bootstrap()])
  const { sqnArray } = await isimStore.load()
  assert.deepEqual(sqnArray.filter((sqn) => sqn > 0n).length, 2)
})

test('Ks prints nowhere (TS 33.220 clause 4.4.11)', async () => {
  await using bench = await openUtBench(ADDRESS)
  const { btid } = await bench.ut.bootstrap()
  const ks = bench.bsf.sessions.get(btid)?.ks.reveal()
  assert.ok(ks)
  const text = inspect(bench.ut, { depth: 20, showHidden: true }) + JSON.stringify(bench.ut)
  for (const form of ['hex', 'base64'] as const) assert.ok(!text.includes(ks.toString(form)))
})

test('the next bootstrapping is in a temporary name, and in the real one when that is forgotten (TS 33.220 annex B.4)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.bsf.twists.tmpis = new Map()
  const { btid } = await bench.ut.bootstrap()
  const session = bench.bsf.sessions.get(btid)
  assert.ok(session)
  const tmpi = tmpiOf({ ...session, bsfName: BSF })
  bench.bsf.twists.tmpis.set(tmpi, session.impi)
  const second = await bench.ut.bootstrap()
  assert.deepEqual(
    bench.bsf.requests.slice(2).map(({ username }) => username),
    [tmpi, tmpi],
  )
  assert.equal(bench.bsf.sessions.get(second.btid)?.impi, session.impi)
  await bench.ut.bootstrap()
  const names = bench.bsf.requests.slice(4).map(({ username }) => username)
  assert.deepEqual([names.length, names[1], names[2]], [3, session.impi, session.impi])
  assert.match(names[0] ?? '', /@tmpi\.bsf\.3gppnetwork\.org$/)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { Secret, VirtualClock } from '@rollcall/core'
import { expandKeys, type SaSetParameters } from '@rollcall/esp'
import type { SaBackEnd } from '@rollcall/esp-net'
import { SaSets } from './sa-sets.ts'

const GRACE_MS = 128_000
const HOUR_MS = 3_600_000

/** A back end that notes what is installed. */
class NotingBackEnd implements SaBackEnd {
  readonly mode = 'UDP-enc-tun'
  readonly installed = new Set<string>()
  install(set: SaSetParameters): void {
    this.installed.add(set.id)
  }
  remove(id: string): void {
    this.installed.delete(id)
  }
  send(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

function setOf(id: string): SaSetParameters {
  const zero = new Secret(Buffer.alloc(16))
  const end = { address: '127.0.0.1', portC: 1, portS: 2, spiC: 1001, spiS: 1002 }
  const keys = expandKeys({ ck: zero, ik: zero, integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' })
  return { id, local: end, remote: end, keys }
}

function bench() {
  const clock = new VirtualClock()
  const backEnd = new NotingBackEnd()
  const sets = new SaSets(backEnd, clock)
  const states = (): string[] => sets.views().map(({ id, state }) => `${id} ${state}`)
  const establish = async (id: string, isInitial: boolean, lifetimeMs = HOUR_MS): Promise<void> => {
    await sets.addTemporary(setOf(id), 240_000)
    await sets.establish(id, { lifetimeMs, graceMs: GRACE_MS, isInitial })
  }
  return { clock, backEnd, sets, states, establish }
}

test('a temporary set ends after reg-await-auth (TS 24.229 table 7.8.1)', async () => {
  const { clock, backEnd, sets, states } = bench()
  await sets.addTemporary(setOf('a'), 240_000)
  clock.advance(239_999)
  assert.deepEqual(states(), ['a temporary'])
  clock.advance(1)
  assert.deepEqual(states(), [])
  assert.equal(backEnd.installed.size, 0)
})

test('a new temporary set replaces the one before (TS 33.203 clause 7.4.1a)', async () => {
  const { backEnd, sets, states } = bench()
  await sets.addTemporary(setOf('a'), 240_000)
  await sets.addTemporary(setOf('b'), 240_000)
  assert.deepEqual(states(), ['b temporary'])
  assert.deepEqual([...backEnd.installed], ['b'])
})

test('an initial registration leaves its set alone; another keeps the one before for 64*T1 (TS 24.229 clause 5.1.1.5.1)', async () => {
  const { clock, states, establish } = bench()
  await establish('a', true)
  await establish('b', false)
  assert.deepEqual(states(), ['a old', 'b established'])
  clock.advance(GRACE_MS)
  assert.deepEqual(states(), ['b established'])
  await establish('c', true)
  assert.deepEqual(states(), ['c established'])
})

test('a new set lives no shorter than the one before would have (TS 24.229 clause 5.1.1.5.1)', async () => {
  const { clock, sets, establish } = bench()
  await establish('a', true, HOUR_MS)
  const untilMs = clock.now() + HOUR_MS
  clock.advance(1000)
  await establish('b', false, 60_000)
  assert.equal(sets.established?.expiresAtMs, untilMs)
})

test('the end of the established set is told once; that of an old one is not', async () => {
  const { clock, sets, establish } = bench()
  let told = 0
  sets.onExpired = () => {
    told += 1
  }
  await establish('a', true, HOUR_MS)
  await establish('b', false, HOUR_MS)
  clock.advance(GRACE_MS)
  assert.equal(told, 0)
  clock.advance(HOUR_MS)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, 1)
  assert.deepEqual(sets.views(), [])
})

test('a refreshed registration prolongs its set and never shortens it', async () => {
  const { clock, sets, establish } = bench()
  await establish('a', true, HOUR_MS)
  const before = sets.established?.expiresAtMs ?? 0
  sets.extend(60_000)
  assert.equal(sets.established?.expiresAtMs, before)
  clock.advance(1000)
  sets.extend(HOUR_MS)
  assert.equal(sets.established?.expiresAtMs, before + 1000)
})

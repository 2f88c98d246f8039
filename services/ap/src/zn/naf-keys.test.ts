import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { HTTP_DIGEST_UA_PROTOCOL } from '@rollcall/gba'
import { LookupError, type LookupFailure } from '../errors.ts'
import { NafKeys } from './naf-keys.ts'

const LIFETIME_MS = 3_600_000
const KNOWN = 'a25vd24=@bsf.home1.net'

function bench(keysMax?: number) {
  const clock = new VirtualClock()
  const asked: string[] = []
  const keys = new NafKeys({
    clock,
    ...(keysMax !== undefined && { keysMax }),
    ask: async ({ btid }) => {
      asked.push(btid)
      if (!btid.startsWith('a25vd24=')) throw new LookupError('unknown')
      const expiry = BigInt(clock.now() + LIFETIME_MS)
      return { ksNaf: Buffer.alloc(32, 1), keyExpiryMs: expiry, bootstrapTimeMs: 0n, impi: '', uss: [] }
    },
  })
  const get = (btid: string, source = 'there') =>
    keys.get({ btid, fqdn: 'xcap.home1.net', uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [], source })
  const failure = async (btid: string, source?: string): Promise<LookupFailure | 'none'> => {
    const error = await get(btid, source).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    return error instanceof LookupError ? error.failure : 'none'
  }
  return { clock, asked, keys, get, failure }
}

test('a key is asked for once, and again when its time is over (TS 33.220 clause 4.5.3)', async () => {
  const { clock, asked, get } = bench()
  const [first, second] = await Promise.all([get(KNOWN), get(KNOWN)])
  assert.equal(first, second)
  assert.equal(await get(KNOWN), first)
  assert.equal(asked.length, 1)
  clock.advance(LIFETIME_MS)
  assert.notEqual(await get(KNOWN), first)
  assert.equal(asked.length, 2)
})

test('what cannot be a B-TID is not asked for, and nothing of it is kept', async () => {
  const { asked, keys, failure } = bench()
  for (const btid of ['', 'nobody', 'x'.repeat(15_000), `${'x'.repeat(500)}@bsf.home1.net`, 'a b@bsf.home1.net']) {
    assert.equal(await failure(btid), 'unknown')
  }
  assert.deepEqual([asked.length, keys.size], [0, 0])
})

test('a B-TID that is not known is asked for again after a while, and not before', async () => {
  const { clock, asked, failure } = bench()
  assert.deepEqual([await failure('eA==@bsf.home1.net'), await failure('eA==@bsf.home1.net')], ['unknown', 'unknown'])
  assert.equal(asked.length, 1)
  clock.advance(2_000)
  assert.equal(await failure('eA==@bsf.home1.net'), 'unknown')
  assert.equal(asked.length, 2)
})

test('who makes B-TIDs up pushes no key out, takes bounded memory, and after some of them loads the BSF no more', async () => {
  const { clock, asked, keys, get, failure } = bench()
  const key = await get(KNOWN)
  let [unknown, unavailable] = [0, 0]
  for (let n = 0; n < 2_000; n += 1) {
    if ((await failure(`${n}@bsf.home1.net`, 'stranger')) === 'unknown') unknown += 1
    else unavailable += 1
  }
  assert.deepEqual([unknown, unavailable, asked.length], [500, 1_500, 501])
  assert.equal(await get(KNOWN, 'stranger'), key, 'a key that is there is told')
  assert.equal(await failure('eA==@bsf.home1.net', 'elsewhere'), 'unknown', 'others are asked for')
  for (let n = 0; n < 20_000; n += 1) await failure(`${n}@bsf.home1.net`, `source ${n}`)
  assert.ok(keys.size <= 5_001)
  assert.equal(await get(KNOWN), key)
  clock.advance(1_000)
  assert.equal(await failure('z@bsf.home1.net', 'stranger'), 'unknown', 'and it may ask again in time')
})

test('keys are bounded: the one that was longest not used goes', async () => {
  const { asked, keys, get } = bench(2)
  for (const n of [1, 2, 1, 3, 1, 2]) await get(`a25vd24=${n}@bsf.home1.net`)
  assert.deepEqual(asked.map((btid) => btid.slice(8, 9)).join(''), '1232')
  assert.equal(keys.size, 2)
})

test('while the BSF is slow one source has so many questions, and others are asked for', async () => {
  const clock = new VirtualClock()
  const waiting: (() => void)[] = []
  const keys = new NafKeys({
    clock,
    ask: async () => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return {
        ksNaf: Buffer.alloc(32),
        keyExpiryMs: BigInt(clock.now() + 1_000),
        bootstrapTimeMs: 0n,
        impi: '',
        uss: [],
      }
    },
  })
  const get = async (btid: string, source: string): Promise<string> => {
    const request = { btid, fqdn: 'xcap.home1.net', uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [], source }
    try {
      await keys.get(request)
      return 'key'
    } catch (error) {
      assert.ok(error instanceof LookupError)
      return error.failure
    }
  }
  const first = Array.from({ length: 32 }, (_, n) => get(`${n}@bsf.home1.net`, 'stranger'))
  const beyond = get('x@bsf.home1.net', 'stranger')
  assert.equal(waiting.length, 32)
  assert.equal(await beyond, 'unavailable')
  const [same, other] = [get('0@bsf.home1.net', 'stranger'), get('y@bsf.home1.net', 'elsewhere')]
  assert.equal(waiting.length, 33, 'what is asked for already is no question more')
  for (const go of waiting) go()
  assert.deepEqual(new Set(await Promise.all([...first, same, other])), new Set(['key']))
  const again = get('x@bsf.home1.net', 'stranger')
  waiting.at(-1)?.()
  assert.equal(await again, 'key', 'answers make room')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkGuss, defaultGuss, type Guss, InvalidGussError, selectUss, type Uss } from './mod.ts'

const uss = (o: Partial<Uss>): Uss => ({ gsid: 2, type: 2, nafGroup: '', uids: ['sip:a@home1.net'], flags: [], ...o })
const guss = (...all: Partial<Uss>[]): Guss => ({ lifetimeSeconds: 0, uss: all.map(uss) })

test('by default the identities count at authentication proxy and presence (TS 29.109 annex B)', () => {
  const made = defaultGuss(['sip:a@home1.net', 'tel:+1555'])
  assert.deepEqual(
    made.uss.map(({ gsid, uids }) => [gsid, ...uids]),
    [
      [2, 'sip:a@home1.net', 'tel:+1555'],
      [3, 'sip:a@home1.net', 'tel:+1555'],
    ],
  )
  checkGuss(made)
})

test('a NAF gets what it asks for and what is for its group (TS 33.220 clause 4.5.3)', () => {
  const all = guss({ gsid: 2 }, { gsid: 3, nafGroup: 'A' }, { gsid: 4 })
  const gsids = (o: { gsids: number[]; nafGroup: string }): number[] => selectUss(all, o).map(({ gsid }) => gsid)
  assert.deepEqual(gsids({ gsids: [], nafGroup: '' }), [])
  assert.deepEqual(gsids({ gsids: [2, 3], nafGroup: '' }), [2])
  assert.deepEqual(gsids({ gsids: [2, 3, 9], nafGroup: 'A' }), [2, 3])
  assert.deepEqual(gsids({ gsids: [3], nafGroup: 'B' }), [])
})

test('settings that nobody could use are refused, every problem at once (TS 29.109 annex A, TS 29.109 clause 6.3.1.6)', () => {
  const bad: Guss = {
    lifetimeSeconds: 31 * 86_400,
    uss: [
      uss({ gsid: 1_000_000 }),
      uss({ uids: [] }),
      uss({ gsid: 3, uids: ['a"b'] }),
      uss({ gsid: 3, uids: ['x\r\ny'] }),
    ],
  }
  assert.throws(
    () => checkGuss(bad),
    (error) => error instanceof InvalidGussError && error.problems.length === 6,
  )
  assert.throws(() => checkGuss(guss(...Array.from({ length: 17 }, (_, gsid) => ({ gsid })))), InvalidGussError)
  assert.throws(() => checkGuss(guss({ uids: Array.from({ length: 65 }, () => 'x') })), InvalidGussError)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { AkaKeyLengthError, answerChallenge, deriveTopc, generateVector, newIsimState, verifyAuts } from './mod.ts'
import { joinSqn } from './sqn.ts'
import { Tuak } from './tuak.ts'
import { TUAK_VECTORS } from './vectors/tuak.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const RAND = hex('0123456789abcdef0123456789abcdef')

for (const vector of TUAK_VECTORS) {
  test(`gives the published values of TUAK test set ${vector.set} (TS 35.233 clause 3; TS 35.231 clause 5.1, TS 35.231 clause 7.1 and TS 35.231 clause 7.2)`, () => {
    const { macOctets, resOctets, ckOctets, ikOctets, iterations } = vector
    const k = Secret.fromHex(vector.k)
    const topc = deriveTopc(k, Secret.fromHex(vector.top), iterations)
    const parameters = { macOctets, resOctets, ckOctets, ikOctets, iterations }
    const tuak = new Tuak({ k, topc, parameters }, hex(vector.rand))
    const sqn = hex(vector.sqn)
    const amf = hex(vector.amf)
    assert.deepEqual(
      {
        topc: topc.reveal().toString('hex'),
        f1: tuak.f1(sqn, amf).toString('hex'),
        f1Star: tuak.f1Star(sqn, amf).toString('hex'),
        f2: tuak.f2().toString('hex'),
        f3: tuak.f3().toString('hex'),
        f4: tuak.f4().toString('hex'),
        f5: tuak.f5().toString('hex'),
        f5Star: tuak.f5Star().toString('hex'),
      },
      {
        topc: vector.topc,
        f1: vector.f1,
        f1Star: vector.f1Star,
        f2: vector.f2,
        f3: vector.f3,
        f4: vector.f4,
        f5: vector.f5,
        f5Star: vector.f5Star,
      },
    )
  })
}

/** Keys of 128 and of 256 bits. */
const KEYS = [16, 32].map((octets) => {
  const k = new Secret(Buffer.alloc(octets, 0x5a))
  return { octets, keys: { k, topc: deriveTopc(k, new Secret(Buffer.alloc(32, 0x33))) } }
})

for (const { octets, keys } of KEYS) {
  test(`AuC and ISIM agree by TUAK with a K of ${octets} octets: MAC of 64 bits, CK and IK of 128 (TS 33.102 clause 6.3.7)`, () => {
    const vector = generateVector(keys, { sqn: 32n, amf: Buffer.alloc(2), rand: RAND })
    assert.deepEqual([vector.autn.length, vector.xres.length, vector.ck.length, vector.ik.length], [16, 16, 16, 16])
    const answer = answerChallenge(keys, { rand: RAND, autn: vector.autn, state: newIsimState() })
    assert.ok(answer.kind === 'success')
    assert.ok(answer.res.equals(vector.xres) && answer.ck.equals(vector.ck) && answer.ik.equals(vector.ik))
    // The same challenge again is no longer fresh; AUTS tells the AuC why.
    const again = answerChallenge(keys, { rand: RAND, autn: vector.autn, state: answer.state })
    assert.ok(again.kind === 'sync-failure')
    assert.equal(verifyAuts(keys, { rand: RAND, auts: again.auts }), joinSqn(1n, 0))
    const forged = Buffer.from(again.auts)
    forged.writeUInt8(forged.readUInt8(13) ^ 1, 13)
    assert.equal(verifyAuts(keys, { rand: RAND, auts: forged }), undefined)
    const wrong = Buffer.from(vector.autn)
    wrong.writeUInt8(wrong.readUInt8(15) ^ 1, 15)
    assert.equal(answerChallenge(keys, { rand: RAND, autn: wrong, state: answer.state }).kind, 'mac-failure')
  })
}

test('the same K under another TOP is another subscriber', () => {
  const [first] = KEYS
  assert.ok(first)
  const { keys } = first
  const other = { k: keys.k, topc: deriveTopc(keys.k, new Secret(Buffer.alloc(32, 0x34))) }
  const { autn } = generateVector(other, { sqn: 32n, amf: Buffer.alloc(2), rand: RAND })
  assert.equal(answerChallenge(keys, { rand: RAND, autn, state: newIsimState() }).kind, 'mac-failure')
})

test('refuses TUAK keys of a wrong length by name, and shows none of their octets', () => {
  const k = new Secret(Buffer.alloc(16, 0xab))
  const short = new Secret(Buffer.alloc(24, 0xab))
  const topc = new Secret(Buffer.alloc(32, 0xab))
  const o = { sqn: 32n, amf: Buffer.alloc(2), rand: RAND }
  const cases: [() => unknown, string][] = [
    [() => deriveTopc(short, topc), 'K'],
    [() => deriveTopc(k, short), 'TOP'],
    [() => generateVector({ k: short, topc }, o), 'K'],
    [() => generateVector({ k, topc: short }, o), 'TOPc'],
  ]
  for (const [run, key] of cases) {
    assert.throws(run, (error: unknown) => {
      assert.ok(error instanceof AkaKeyLengthError)
      assert.deepEqual([error.key, error.octets], [key, 24])
      assert.doesNotMatch(error.message, /abab/)
      return true
    })
  }
})

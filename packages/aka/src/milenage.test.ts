import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { Milenage } from './milenage.ts'
import { AkaKeyLengthError, deriveOpc, generateVector, verifyAuts } from './mod.ts'
import { decodeSqn } from './sqn.ts'
import { generateAuts } from './vector.ts'
import { MILENAGE_VECTORS, type MilenageVector } from './vectors/milenage.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function keysOf(vector: MilenageVector): { k: Secret; opc: Secret } {
  return { k: Secret.fromHex(vector.k), opc: Secret.fromHex(vector.opc) }
}

for (const vector of MILENAGE_VECTORS) {
  test(`gives the published values of test set ${vector.set} (TS 35.208 clause 4; TS 35.206 clause 2.2, TS 35.206 clause 2.3 and TS 35.206 clause 4.1)`, () => {
    const milenage = new Milenage(keysOf(vector), hex(vector.rand))
    const sqn = hex(vector.sqn)
    const amf = hex(vector.amf)
    assert.deepEqual(
      {
        opc: deriveOpc(Secret.fromHex(vector.k), Secret.fromHex(vector.op)).reveal().toString('hex'),
        f1: milenage.f1(sqn, amf).toString('hex'),
        f1Star: milenage.f1Star(sqn, amf).toString('hex'),
        f2: milenage.f2().toString('hex'),
        f3: milenage.f3().toString('hex'),
        f4: milenage.f4().toString('hex'),
        f5: milenage.f5().toString('hex'),
        f5Star: milenage.f5Star().toString('hex'),
      },
      {
        opc: vector.opc,
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

  test(`makes the authentication vector of test set ${vector.set} (TS 33.102 clause 6.3.2)`, () => {
    const rand = hex(vector.rand)
    const made = generateVector(keysOf(vector), { sqn: decodeSqn(hex(vector.sqn)), amf: hex(vector.amf), rand })
    assert.equal(made.rand.toString('hex'), vector.rand)
    assert.equal(made.autn.toString('hex'), vector.autn)
    assert.equal(made.xres.reveal().toString('hex'), vector.f2)
    assert.equal(made.ck.reveal().toString('hex'), vector.f3)
    assert.equal(made.ik.reveal().toString('hex'), vector.f4)
  })

  test(`makes and reads the AUTS of test set ${vector.set}, its AMF* zero (TS 33.102 clause 6.3.3)`, () => {
    const keys = keysOf(vector)
    const rand = hex(vector.rand)
    const sqnMs = decodeSqn(hex(vector.sqn))
    assert.equal(generateAuts(new Milenage(keys, rand), sqnMs).toString('hex'), vector.auts)
    assert.equal(verifyAuts(keys, { rand, auts: hex(vector.auts) }), sqnMs)
  })
}

test('reads no SQN out of an AUTS with any bit changed, of another RAND, or of another length (TS 33.102 clause 6.3.5)', () => {
  for (const vector of MILENAGE_VECTORS.slice(0, 1)) {
    const keys = keysOf(vector)
    const rand = hex(vector.rand)
    for (let bit = 0; bit < 14 * 8; bit++) {
      const auts = hex(vector.auts)
      auts.writeUInt8(auts.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(verifyAuts(keys, { rand, auts }), undefined, `bit ${bit}`)
    }
    const auts = hex(vector.auts)
    assert.equal(verifyAuts(keys, { rand: Buffer.alloc(16), auts }), undefined)
    assert.equal(verifyAuts(keys, { rand: rand.subarray(1), auts }), undefined)
    assert.equal(verifyAuts(keys, { rand, auts: auts.subarray(1) }), undefined)
    assert.equal(verifyAuts(keys, { rand, auts: Buffer.alloc(0) }), undefined)
    // MAC-S made with the AMF of the set, a mistake seen in the field.
    const wrong = Buffer.concat([auts.subarray(0, 6), hex(vector.f1Star)])
    assert.equal(verifyAuts(keys, { rand, auts: wrong }), undefined)
  }
})

test('refuses keys of a wrong length by name, and shows none of their octets', () => {
  const good = new Secret(Buffer.alloc(16, 0xab))
  const bad = new Secret(Buffer.alloc(15, 0xab))
  const o = { sqn: 32n, amf: Buffer.alloc(2), rand: Buffer.alloc(16) }
  const cases: [() => unknown, string][] = [
    [() => deriveOpc(bad, good), 'K'],
    [() => deriveOpc(good, bad), 'OP'],
    [() => generateVector({ k: bad, opc: good }, o), 'K'],
    [() => generateVector({ k: good, opc: bad }, o), 'OPc'],
  ]
  for (const [run, key] of cases) {
    assert.throws(run, (error: unknown) => {
      assert.ok(error instanceof AkaKeyLengthError)
      assert.equal(error.key, key)
      assert.equal(error.octets, 15)
      assert.doesNotMatch(error.message, /abab/)
      return true
    })
  }
})

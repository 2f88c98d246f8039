import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { isTmpi, ksNaf, nafId, tmpiOf } from './mod.ts'
import { GBA_VECTOR_BSF, GBA_VECTOR_IMPI, GBA_VECTOR_NAF, GBA_VECTORS } from './vectors/gba.ts'

for (const { milenageSet, ks, rand, tmpi, keys } of GBA_VECTORS) {
  const key = { ks: Secret.fromHex(ks), rand: Buffer.from(rand, 'hex'), impi: GBA_VECTOR_IMPI }

  test(`derives Ks_(ext_)NAF and Ks_int_NAF over Milenage set ${milenageSet} (TS 33.220 annex B.3)`, () => {
    assert.equal(keys.length, 4)
    for (const expected of keys) {
      const id = nafId(GBA_VECTOR_NAF, Buffer.from(expected.uaProtocol, 'hex'))
      assert.equal(id.toString('hex'), expected.nafId)
      assert.equal(
        ksNaf({ ...key, nafId: id })
          .reveal()
          .toString('hex'),
        expected.ksNaf,
      )
      assert.equal(
        ksNaf({ ...key, nafId: id, label: 'gba-me' })
          .reveal()
          .toString('hex'),
        expected.ksNaf,
      )
      assert.equal(
        ksNaf({ ...key, nafId: id, label: 'gba-u' })
          .reveal()
          .toString('hex'),
        expected.ksIntNaf,
      )
    }
  })

  test(`derives the TMPI over Milenage set ${milenageSet} (TS 33.220 annex B.4)`, () => {
    assert.equal(tmpiOf({ ...key, bsfName: GBA_VECTOR_BSF }), tmpi)
    assert.equal(isTmpi(tmpi), true)
    assert.equal(isTmpi(GBA_VECTOR_IMPI), false)
  })

  test(`openssl derives the same Ks_NAF over Milenage set ${milenageSet} (TS 33.220 annex B.2)`, () => {
    const length = (octets: Buffer): Buffer => Buffer.of(octets.length >> 8, octets.length & 0xff)
    for (const { nafId: id, ksNaf: expected } of keys) {
      const parts = [Buffer.from('gba-me'), key.rand, Buffer.from(GBA_VECTOR_IMPI), Buffer.from(id, 'hex')]
      const input = Buffer.concat([Buffer.of(1), ...parts.flatMap((part) => [part, length(part)])])
      const judge = ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${ks}`]
      const said = execFileSync('openssl', judge, { input, encoding: 'utf8' })
      assert.equal(said.trim().split('= ').at(-1), expected)
    }
  })
}

test('a key never prints', () => {
  const [vector] = GBA_VECTORS
  assert.ok(vector)
  const key = { ks: Secret.fromHex(vector.ks), rand: Buffer.from(vector.rand, 'hex'), impi: GBA_VECTOR_IMPI }
  const made = ksNaf({ ...key, nafId: nafId('naf.home1.net', Buffer.of(1, 0, 0, 0, 2)) })
  assert.equal(`${made}${JSON.stringify(made)}`, '[secret]"[secret]"')
})

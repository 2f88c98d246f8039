import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test from 'node:test'
import { Hmac, Secret, seededRandom } from './mod.ts'

test('HMAC is that of RFC 2202 and RFC 4231', () => {
  const digest = (algorithm: 'md5' | 'sha1' | 'sha256', key: Buffer, text: string): string =>
    Buffer.from(new Hmac(algorithm, new Secret(key)).digest(Buffer.from(text)), 'latin1').toString('hex')
  const jefe = Buffer.from('Jefe')
  const what = 'what do ya want for nothing?'
  assert.equal(digest('md5', jefe, what), '750c783e6ab0b503eaa86e310a5db738')
  assert.equal(digest('sha1', jefe, what), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
  assert.equal(digest('sha256', jefe, what), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  const longKey = Buffer.alloc(80, 0xaa)
  const larger = 'Test Using Larger Than Block-Size Key - Hash Key First'
  assert.equal(digest('sha1', longKey, larger), 'aa4ae5e15272d00e95705637ce8a3b55ed402112')
})

test('HMAC is Node’s own, whatever the lengths and in whatever order keys are used', () => {
  const random = seededRandom('hmac')
  for (const algorithm of ['md5', 'sha1', 'sha256'] as const) {
    const keys = [0, 1, 16, 20, 63, 64, 65, 200].map((length) => new Secret(random.bytes(length)))
    const hmacs = keys.map((key) => new Hmac(algorithm, key))
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1_000, 9_000, 70_000, 3]) {
      const octets = random.bytes(length + 5)
      keys.forEach((key, i) => {
        const expected = createHmac(algorithm, key.reveal()).update(octets.subarray(0, length)).digest('latin1')
        assert.equal(hmacs[i]?.digest(octets, length), expected, `${algorithm} ${key.length} ${length}`)
      })
    }
  }
})

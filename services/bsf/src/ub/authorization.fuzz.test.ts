import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BSF, BsfBench, terminal } from '../testing/fixtures.ts'
import { readAuthorization } from './authorization.ts'

const SEED = 4302

test('whatever stands in Authorization, it is read or refused (TS 24.109 clause 4.2)', () => {
  const names = ['username', 'realm', 'nonce', 'uri', 'response', 'qop', 'nc', 'cnonce', 'algorithm', 'auts', 'opaque']
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('auth-int', '/', '00000001', 'a@b.c', 'AKAv1-MD5', 'x@tmpi.bsf.3gppnetwork.org'),
  )
  const field = fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => `${name}="${text}"`)
  const header = fc.oneof(
    fc.string(),
    fc.array(field, { maxLength: 12 }).map((fields) => `Digest ${fields.join(',')}`),
  )
  fc.assert(
    fc.property(header, (text) => {
      const { kind } = readAuthorization(text, '/')
      assert.ok(['first', 'answer', 'resync', 'refused'].includes(kind))
    }),
    { seed: SEED, numRuns: 2_000 },
  )
})

test('an answer with any octet changed gives no key (RFC 3310 section 3.3)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 127 }), async (place, mask) => {
      const bench = new BsfBench()
      const ue = terminal()
      const { authorization } = ue.answer(await bench.challenge(ue))
      const octets = Buffer.from(authorization)
      const at = place % octets.length
      octets[at] = (octets[at] ?? 0) ^ mask
      const { status } = await bench.send(octets.toString('latin1'))
      // Names and words without quotes are read in any case; all that is said counts.
      const isSame = octets.toString('latin1').toLowerCase() === authorization.toLowerCase()
      if (!isSame && status === 200)
        assert.match(changed(authorization, octets.toString('latin1')), /^(?:algorithm|[\s,])/)
      assert.ok([200, 400, 401, 403].includes(status))
    }),
    { seed: SEED, numRuns: 150 },
  )
})

/** The field that differs. */
function changed(one: string, other: string): string {
  const [fields, others] = [one.split(','), other.split(',')]
  return fields.find((field, index) => field !== others[index]) ?? ''
}

test('a realm that is not ours is taken in a first request, which cannot know it (TS 24.109 annex A)', async () => {
  const bench = new BsfBench()
  assert.equal((await bench.send(terminal().first('other'))).status, 401)
  assert.equal((await bench.send(terminal().first(BSF))).status, 401)
})

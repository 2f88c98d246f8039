import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { ReginfoError } from './errors.ts'
import { parseReginfo } from './parse-reginfo.ts'
import type { Reginfo } from './reginfo.ts'
import { writeReginfo } from './write-reginfo.ts'

const SEED = 3680

/** Text that survives: what XML cannot carry is replaced by the writer, and blanks around a URI are taken off. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map((letters) => letters.trim())
  .filter((letters) => letters !== '' && !/[\r\ufffe\uffff]/.test(letters) && !/^".*"$/s.test(letters))

const number = fc.nat(2 ** 31 - 1)

const contact = fc.record(
  {
    id: text,
    uri: text,
    state: fc.constantFrom('active' as const, 'terminated' as const),
    event: fc.constantFrom('registered' as const, 'shortened' as const, 'rejected' as const),
    expiresSeconds: number,
    retryAfterSeconds: number,
    callId: text,
    cseq: number,
    instance: text,
  },
  { requiredKeys: ['id', 'uri', 'state', 'event'], noNullPrototype: true },
)

const documents: fc.Arbitrary<Reginfo> = fc.record(
  {
    version: number,
    state: fc.constantFrom('full' as const, 'partial' as const),
    registrations: fc.array(
      fc.record(
        {
          aor: text,
          id: text,
          state: fc.constantFrom('init' as const, 'active' as const, 'terminated' as const),
          contacts: fc.array(contact, { maxLength: 3 }),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
)

test('reading undoes writing, whatever the values (RFC 3680 section 5)', () => {
  fc.assert(
    fc.property(documents, (info) => {
      assert.deepEqual(parseReginfo(writeReginfo(info)), info)
    }),
    { seed: SEED, numRuns: 1_000 },
  )
})

test('a mutated document is read or refused by its own error', () => {
  const piece = fc.oneof(
    fc.constantFrom('<', '>', '/>', '"', '&', '<!--', '-->', '</contact>', '<contact>', '<!DOCTYPE a>', '\0', ' a="1"'),
    fc.constantFrom(' ', '\n', 'x', '1', '<!--x-->', '<e xmlns="u"/>', '&amp;', ''),
    fc.string({ maxLength: 4 }),
  )
  let read = 0
  fc.assert(
    fc.property(
      documents,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.oneof(fc.constant(0), fc.constant(0), fc.nat(6)),
      piece,
      (info, at, cut, put) => {
        const bytes = writeReginfo(info)
        const from = Math.floor(at * bytes.length)
        const mutated = Buffer.concat([bytes.subarray(0, from), Buffer.from(put, 'latin1'), bytes.subarray(from + cut)])
        try {
          parseReginfo(mutated)
          read += 1
        } catch (error) {
          assert.ok(error instanceof ReginfoError, String((error as Error).stack))
        }
      },
    ),
    { seed: SEED, numRuns: 3_000 },
  )
  assert.ok(read > 100, `only ${read} were read`)
})

const hasXmllint = spawnSync('xmllint', ['--version']).error === undefined
const skip = hasXmllint ? false : 'xmllint is not installed (Debian: libxml2-utils)'
const SCHEMA = fileURLToPath(new URL('vectors/reginfo.xsd', import.meta.url))

/** What xmllint, the judge from outside, has to say against each. */
function complaints(files: readonly Buffer[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-reginfo-'))
  try {
    const names = files.map((bytes, i) => {
      writeFileSync(join(folder, `${i}.xml`), bytes)
      return `${i}.xml`
    })
    const args = ['--noout', '--nonet', '--schema', SCHEMA, ...names]
    const { stderr } = spawnSync('xmllint', args, { cwd: folder, encoding: 'utf8', maxBuffer: 16_000_000 })
    return stderr
      .split('\n')
      .filter((line) => line !== '' && !/ validates$/.test(line))
      .join('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('what is written is valid by the schema, as xmllint judges (RFC 3680 section 5.4)', { skip }, () => {
  // A URI must be one: what is in a registration has been checked before.
  const valid = documents.map((info) => ({
    ...info,
    registrations: info.registrations.map((registration) => ({
      ...registration,
      aor: 'sip:alice@ims.example.com',
      contacts: registration.contacts.map((one) => ({ ...one, uri: 'sip:127.0.1.1:5070;transport=udp' })),
    })),
  }))
  const samples = fc.sample(valid, { seed: SEED, numRuns: 200 })
  assert.equal(complaints(samples.map(writeReginfo)), '')
  assert.notEqual(
    complaints([Buffer.from('<reginfo xmlns="urn:ietf:params:xml:ns:reginfo"/>')]),
    '',
    'the judge judges',
  )
})

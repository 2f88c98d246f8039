import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { closedPidf, composePidf } from './compose-pidf.ts'
import { scanPidf } from './scan-pidf.ts'
import { GOOD } from './vectors/documents.ts'
import { writeWatcherinfo } from './watcherinfo.ts'
import { writePidf } from './write-pidf.ts'

/** libxml2 is the judge from outside: it knows nothing of our scanner. */
const version = spawnSync('xmllint', ['--version'], { encoding: 'utf8' })
const skip = version.error ? 'xmllint is not installed (Debian: libxml2-utils)' : false

const PIDF_SCHEMA = fileURLToPath(new URL('vectors/pidf.xsd', import.meta.url))
const WATCHERINFO_SCHEMA = fileURLToPath(new URL('vectors/watcherinfo.xsd', import.meta.url))

/** What xmllint says of each document, by its index; nothing when all is well. */
function complaints(documents: readonly Buffer[], schema?: string): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-xmllint-'))
  try {
    const files = documents.map((bytes, i) => {
      writeFileSync(join(folder, `${i}.xml`), bytes)
      return `${i}.xml`
    })
    const args = ['--noout', '--nonet', ...(schema ? ['--schema', schema] : []), ...files]
    const { stderr } = spawnSync('xmllint', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64_000_000 })
    const found = new Map<number, string>()
    for (const line of stderr.split('\n')) {
      const match = /^(\d+)\.xml(?::\d+:|(?! validates))(.*)$/.exec(line)
      // Namespace names are compared, not fetched: whether one is a good URI is nobody's business here.
      if (match && !/is not (?:a valid URI|absolute)$/.test(line)) found.set(Number(match[1]), match[2] ?? '')
    }
    return found
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('what the scanner takes, libxml2 calls well-formed with its namespaces declared', { skip }, () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '&',
      '"',
      ']]>',
      '<!--x-->',
      ' xmlns=""',
      ' xmlns:p="u"',
      '<p:q xmlns:p="u"/>',
      ' p:a="1"',
    ),
    fc.constantFrom('\u0085', '\u00e9', '\ufffd', '&#x85;', '&#13;', "'", ':', ' ', '\t', '<e xmlns="u" f="&#10;"/>'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const mutated = fc
    .tuple(fc.constantFrom(...Object.values(GOOD)), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), pieces)
    .map(([text, at, cut, piece]) => {
      const from = Math.floor(at * text.length)
      return Buffer.from(text.slice(0, from) + piece + text.slice(from + cut))
    })
  const taken = fc.sample(mutated, { seed: 3863, numRuns: 6000 }).filter((bytes) => {
    try {
      scanPidf(bytes)
      return true
    } catch {
      return false
    }
  })
  assert.ok(taken.length > 300, `only ${taken.length} documents to judge`)
  for (const [index, complaint] of complaints(taken)) assert.fail(`${complaint}\n${taken[index]}`)
})

test('what is written and composed is valid by the schemas (RFC 3863 section 4.4, RFC 4479 section 4)', {
  skip,
}, () => {
  const sources = Object.values(GOOD).map((text) => scanPidf(Buffer.from(text)))
  const compositions = sources.flatMap((one) =>
    sources.map((two) =>
      composePidf('sip:alice@ims.example.com', [
        { id: '1', receivedAtMs: 1, document: one },
        { id: '2', receivedAtMs: 2, document: two },
      ]),
    ),
  )
  const written = [
    closedPidf('sip:a@b'),
    writePidf({ entity: 'sip:a@b', tupleId: 't', basic: 'open', note: 'n', contact: 'c', timestampMs: 0 }),
    writePidf({ entity: 'sip:a@b', tupleId: 't', basic: 'open', activities: ['away'], timestampMs: 0 }),
  ]
  const documents = [...compositions, ...written]
  for (const [index, complaint] of complaints(documents, PIDF_SCHEMA)) assert.fail(`${complaint}\n${documents[index]}`)
})

test('watcher information is valid by its schema (RFC 3858 section 5)', { skip }, () => {
  const documents = [
    [],
    [{ id: 'w', uri: 'sip:c@d', status: 'active', event: 'subscribe', expirationSeconds: 1 } as const],
    [{ id: 'w', uri: 'sip:c@d', status: 'waiting', event: 'timeout', durationSubscribedSeconds: 0 } as const],
    (['subscribe', 'approved', 'deactivated', 'probation', 'rejected', 'timeout', 'giveup', 'noresource'] as const).map(
      (event, at) =>
        ({ id: `w${at}`, uri: 'tel:+15550101', status: at === 0 ? 'pending' : 'terminated', event }) as const,
    ),
  ].flatMap((watchers) =>
    (['full', 'partial'] as const).map((state) =>
      writeWatcherinfo({ version: 2 ** 31, state, resource: 'sip:a@b', eventPackage: 'presence', watchers }),
    ),
  )
  for (const [, complaint] of complaints(documents, WATCHERINFO_SCHEMA)) assert.fail(complaint)
})

test('the judge judges', { skip }, () => {
  assert.equal(complaints([Buffer.from('<a><b></a>')]).size, 1)
  assert.equal(complaints([Buffer.from('<p:a/>')]).size, 1)
  const wrongOrder =
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="a"><note>n</note><tuple id="a"><status/></tuple></presence>'
  assert.equal(complaints([Buffer.from(wrongOrder)], PIDF_SCHEMA).size, 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlError } from '@rollcall/xml'
import fc from 'fast-check'
import { composePidf } from './compose-pidf.ts'
import { NOTIFIED_LIMITS } from './limits.ts'
import { readPidfSummary } from './pidf-summary.ts'
import { scanPidf } from './scan-pidf.ts'
import { GOOD } from './vectors/documents.ts'
import { readWatcherinfo, writeWatcherinfo } from './watcherinfo.ts'
import { writePidf } from './write-pidf.ts'

const SEED = 3863

const documents = fc.constantFrom(...Object.values(GOOD)).map((text) => Buffer.from(text))

/** Pieces that break documents in interesting places, and some that often do not. */
const breaking = fc.constantFrom(
  ...['<', '>', '/>', '&', '"', "'", ']]>', '<!--', '-->', '<![CDATA[', ' xmlns=""', ' xmlns:p="u"', 'p:', ':', '\0'],
  ...['\xff', '\xef\xbf\xbf', '<tuple id="z"><status/></tuple>', '<!DOCTYPE a>', '<?p?>', '</tuple>', ' id="1"'],
)
const harmless = fc.constantFrom(
  ' ',
  '\n',
  '<!--x-->',
  '<e xmlns="u"/>',
  '<n:e xmlns:n="u" n:a="1"/>',
  'a',
  '&amp;',
  ' b="2"',
)
const pieces = fc.oneof(breaking, { weight: 2, arbitrary: harmless }, fc.string({ maxLength: 6 }))

/** One change: `cut` octets at `at` (a share of the length) give way to `text`. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.oneof(fc.constant(0), fc.nat(9)),
  text: pieces,
})

const mutated = fc.tuple(documents, fc.array(change, { minLength: 1, maxLength: 3 })).map(([bytes, changes]) =>
  changes.reduce((document, { at, cut, text }) => {
    const from = Math.floor(at * document.length)
    return Buffer.concat([document.subarray(0, from), Buffer.from(text, 'latin1'), document.subarray(from + cut)])
  }, bytes),
)

/** Calls it; a document may be refused, by XmlError alone. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof XmlError, String((error as Error).stack))
    return undefined
  }
}

test('a mutated document is read or refused, and what is read composes to what is read', () => {
  let read = 0
  fc.assert(
    fc.property(mutated, (bytes) => {
      const document = accepted(() => scanPidf(bytes))
      if (!document) return
      read++
      const once = composePidf('sip:a@b', [{ id: '1', receivedAtMs: 1, document }])
      const again = scanPidf(once, NOTIFIED_LIMITS)
      assert.equal(again.tuples.length, document.tuples.length)
      assert.equal(again.extensions.length, document.extensions.length)
      // Composing what was composed changes ids alone: nothing is lost on the way.
      const twice = composePidf('sip:a@b', [{ id: '1', receivedAtMs: 1, document: again }])
      assert.equal(scanPidf(twice, NOTIFIED_LIMITS).persons.length, Math.min(document.persons.length, 1))
      readPidfSummary(once)
    }),
    { seed: SEED, numRuns: 5000 },
  )
  assert.ok(read > 100, `only ${read} documents were read`)
})

test('several publications with the same prefixes for different namespaces compose', () => {
  const extension = fc
    .record({ prefix: fc.constantFrom('', 'x:', 'dm:', 'rpid:'), uri: fc.constantFrom('urn:a', 'urn:b', 'urn:c') })
    .map(({ prefix, uri }) => ({
      declared: prefix === '' ? ` xmlns="${uri}"` : ` xmlns:${prefix.slice(0, -1)}="${uri}"`,
      element: `<${prefix}e><${prefix}f/></${prefix}e>`,
    }))
  const publication = fc
    .array(extension, { maxLength: 4 })
    .map((parts) =>
      Buffer.from(
        `<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" entity="sip:a@b">${parts
          .map(({ declared, element }, i) => `<p:tuple id="t${i}"${declared}><p:status/>${element}</p:tuple>`)
          .join('')}</p:presence>`,
      ),
    )
  fc.assert(
    fc.property(fc.array(publication, { maxLength: 4 }), (inputs) => {
      const documents = inputs.map((bytes) => scanPidf(bytes))
      const bytes = composePidf(
        'sip:a@b',
        documents.map((document, i) => ({ id: `${i}`, receivedAtMs: i, document })),
      )
      const names = (document: ReturnType<typeof scanPidf>): string[] =>
        document.tuples.flatMap(({ extensions }) => extensions.map(({ namespace }) => namespace))
      const composed = scanPidf(bytes, NOTIFIED_LIMITS)
      assert.deepEqual(names(composed), documents.flatMap(names))
    }),
    { seed: SEED, numRuns: 1000 },
  )
})

test('any text survives writing and reading', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (note) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML cannot carry is replaced.
      const kept = note.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      const [tuple] = readPidfSummary(writePidf({ entity: 'sip:a@b', tupleId: 't', basic: 'open', note })).tuples
      assert.equal(tuple?.notes[0], kept.trim())
    }),
    { seed: SEED, numRuns: 1000 },
  )
})

test('mutated watcher information is read or refused', () => {
  const bytes = writeWatcherinfo({
    version: 1,
    state: 'full',
    resource: 'sip:a@b',
    eventPackage: 'presence',
    watchers: [{ id: 'w', uri: 'sip:c@d', status: 'active', event: 'subscribe' }],
  })
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5), pieces, (at, cut, text) => {
      const from = Math.floor(at * bytes.length)
      const changed = [bytes.subarray(0, from), Buffer.from(text, 'latin1'), bytes.subarray(from + cut)]
      accepted(() => readWatcherinfo(Buffer.concat(changed)))
    }),
    { seed: SEED, numRuns: 2000 },
  )
})

test('time is linear in length, for the shapes that make scanners quadratic', () => {
  const shapes: ((size: number) => string)[] = [
    (size) => `<note>${'x'.repeat(size)}</note>`,
    (size) => `<note>${'&amp;'.repeat(size / 5)}</note>`,
    (size) => `<note>${'\u00e9'.repeat(size / 2)}</note>`,
    (size) => '<p:a/>'.repeat(size / 6),
    (size) => `<p:a>${'<p:a/>'.repeat(size / 6)}</p:a>`,
    (size) => '<p:a></p:a>'.repeat(size / 11),
    (size) => '<a b="" c="" d="" e="" p:f=""/>'.repeat(size / 31).replaceAll('<a', '<p:a'),
    (size) => `<x xmlns="u">${'<y></y>'.repeat(size / 7)}</x>`,
    (size) => '<!---->'.repeat(size / 7),
    (size) => `<note>${'<![CDATA[]]>'.repeat(size / 12)}</note>`,
    (size) => `<note>${']]'.repeat(size / 2)}</note>`,
  ]
  const root = '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:p="u" entity="sip:a@b">'
  const bestUs = (bytes: Buffer): number => {
    let best = Number.POSITIVE_INFINITY
    for (let i = 0; i < 15; i++) {
      const begin = process.hrtime.bigint()
      composePidf('sip:a@b', [{ id: '1', receivedAtMs: 1, document: scanPidf(bytes) }])
      best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1000)
    }
    return best
  }
  for (const shape of shapes) {
    const small = Buffer.from(`${root}${shape(3_000)}</presence>`)
    const large = Buffer.from(`${root}${shape(30_000)}</presence>`)
    bestUs(small)
    const ratio = bestUs(large) / bestUs(small)
    // Ten times the octets; quadratic would be a hundred. The machine is shared: leave room for its noise.
    assert.ok(ratio < 40, `${shape(40)}: ${ratio.toFixed(1)} times the time for ten times the octets`)
  }
})

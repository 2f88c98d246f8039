import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage, SipParseError } from '@rollcall/sip'
import fc from 'fast-check'
import { type Framed, StreamFramer } from './stream-framer.ts'

const LIMITS = { headBytesMax: 16 * 1024, bodyBytesMax: 64 * 1024 }
const SEED = 20_261_128

const BODY = fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets).toString('latin1'))
const NAME = fc.constantFrom('Content-Length', 'content-length', 'l', 'L', 'CONTENT-LENGTH')
const GAP = fc.constantFrom('', '', '\r\n', '\r\n\r\n')

/** A message as somebody may write it, and what may stand before it. */
const MESSAGE = fc
  .tuple(GAP, NAME, fc.constantFrom(': ', ':', ' : ', ':\r\n '), BODY)
  .map(([gap, name, colon, body]) => {
    const head = 'NOTIFY sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nEvent: presence'
    return { gap, whole: `${head}\r\n${name}${colon}${body.length}\r\n\r\n${body}` }
  })

/** Cuts octets where the numbers say, each a part of the whole. */
function chunksOf(octets: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => Math.floor(cut * octets.length)))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => octets.subarray(from, [...at, octets.length][index]))
}

function frameAll(chunks: readonly Buffer[]): { seen: string[]; fault: Framed['fault']; isUnfinished: boolean } {
  const framer = new StreamFramer(LIMITS)
  const seen: string[] = []
  let last: Framed['fault']
  for (const chunk of chunks) {
    // A socket's buffer is used again: what the framer keeps must be its own.
    const passing = Buffer.from(chunk)
    const { frames, fault } = framer.push(passing)
    for (const frame of frames) seen.push(frame.kind === 'crlf' ? 'CRLF' : frame.bytes.toString('latin1'))
    passing.fill(0)
    last ??= fault
    if (fault) break
  }
  return { seen, fault: last, isUnfinished: framer.isUnfinished }
}

test('whatever chunks they come in, the messages are the same (RFC 3261 section 18.3)', () => {
  fc.assert(
    fc.property(
      fc.array(MESSAGE, { maxLength: 8 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
      (messages, cuts) => {
        const octets = Buffer.from(messages.map(({ gap, whole }) => gap + whole).join(''), 'latin1')
        const { seen, fault, isUnfinished } = frameAll(chunksOf(octets, cuts))
        assert.equal(fault, undefined)
        assert.equal(isUnfinished, false)
        assert.deepEqual(
          seen.filter((text) => text !== 'CRLF'),
          messages.map(({ whole }) => whole),
        )
      },
    ),
    { seed: SEED, numRuns: 500 },
  )
})

test('octets changed at random are cut the same way in any chunks, and the parser finds the message that was cut', () => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    octet: fc.constantFrom(...'\r\n:l 0\t5\0,x'),
  })
  fc.assert(
    fc.property(
      fc.array(MESSAGE, { minLength: 1, maxLength: 4 }),
      fc.array(change, { maxLength: 6 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
      (messages, changes, cuts) => {
        const octets = Buffer.from(messages.map(({ gap, whole }) => gap + whole).join(''), 'latin1')
        for (const { at, octet } of changes) octets[Math.floor(at * octets.length)] = octet.charCodeAt(0)
        const whole = frameAll([octets])
        assert.deepEqual(frameAll(chunksOf(octets, cuts)), whole)
        assert.deepEqual(frameAll([...octets].map((octet) => Buffer.from([octet]))), whole)
        for (const text of whole.seen) if (text !== 'CRLF') checkParsed(Buffer.from(text, 'latin1'))
      },
    ),
    { seed: SEED, numRuns: 500 },
  )
})

/** No octet of a framed message is left over, or taken from the next one, when the parser reads it. */
function checkParsed(bytes: Buffer): void {
  try {
    const { body } = parseMessage(bytes)
    assert.equal(bytes.indexOf('\r\n\r\n') + 4 + body.length, bytes.length)
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error
  }
}

test('the time of a message in single octets is linear in its length', () => {
  const timeOf = (bytes: number): number => {
    const head = `NOTIFY sip:a@b SIP/2.0\r\nX: ${'x'.repeat(12_000)}\r\nl: ${bytes}\r\n\r\n`
    const framer = new StreamFramer(LIMITS)
    const octets = Buffer.from(head + 'b'.repeat(bytes))
    const startMs = performance.now()
    for (let at = 0; at < octets.length; at++) framer.push(octets.subarray(at, at + 1))
    return performance.now() - startMs
  }
  timeOf(20_000)
  // Quadratic would be 500 MB of copies and searches a message: seconds.
  assert.ok(timeOf(60_000) < 1_000)
})

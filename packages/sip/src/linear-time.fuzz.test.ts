import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SecurityAgreementError, SipParseError, SipSyntaxError } from './errors.ts'
import { parseMessage } from './parse-message.ts'
import { CODECS } from './testing/codecs.ts'

/**
 * A quadratic parser takes ten seconds and more for what a linear one does in a few milliseconds: the bound tells the two
 * apart on any machine.
 */
const LINEAR_MS_MAX = 1_000
const LENGTH = 400_000

function isTyped(error: unknown): boolean {
  const types = [SipParseError, SipSyntaxError, SecurityAgreementError]
  return types.some((type) => error instanceof type)
}

/** Other work on the machine can hold one try up, but not each of them. */
const TRIES = 3

function takesLinearTime(name: string, read: () => unknown): void {
  let tookMs = 0
  for (let tries = 0; tries < TRIES; tries++) {
    const startMs = performance.now()
    try {
      read()
    } catch (error) {
      assert.ok(isTyped(error), String(error))
    }
    tookMs = performance.now() - startMs
    if (tookMs < LINEAR_MS_MAX) return
  }
  assert.fail(`${name} took ${tookMs} ms`)
}

const REPEATED = [
  ' ',
  '\t',
  '"',
  '\\',
  '\\"',
  ',',
  ';',
  ';a',
  ';a=',
  ';a="',
  ':',
  '<',
  '>',
  '<>',
  '@',
  '%',
  '%4',
  '=',
  'a',
  '[',
]

test('messages are read in time linear in their length', () => {
  const limits = { headerBytesMax: 2 * LENGTH, headersMax: LENGTH, bodyBytesMax: LENGTH }
  const fills = [
    ...REPEATED,
    '\r\n',
    '\r\n ',
    '\r\n  ',
    '\r',
    '\n',
    '\n ',
    '\r\n\r',
    'a:\r\n',
    'a:b\n',
    ' \r\n',
    'Via:,\r\n',
  ]
  for (const fill of fills) {
    const filled = fill.repeat(LENGTH / fill.length)
    for (const head of ['', 'OPTIONS ', 'OPTIONS sip:a SIP/2.0\r\n', 'OPTIONS sip:a SIP/2.0\r\nX: a', 'SIP/2.0 200 ']) {
      const bytes = Buffer.from(`${head}${filled}\r\n\r\n`, 'latin1')
      takesLinearTime(`${JSON.stringify(head + fill)} repeated`, () => parseMessage(bytes, limits))
      takesLinearTime(`${JSON.stringify(head + fill)} within limits`, () => parseMessage(bytes))
    }
  }
})

/** Of values there are many more cases. */
const VALUE_LENGTH = 100_000

test('values are read in time linear in their length', () => {
  const heads = [
    ...['', '"', '<sip:', '<sip:a>', 'sip:', 'sip:a@b;', 'tel:+1', 'tel:+1;a=', 'SIP/2.0/UDP ', 'SIP/2.0/UDP a'],
    ...[
      'Digest ',
      'Digest a="',
      'a;b="',
      'a b',
      'a/b;c="',
      '301 a "',
      'ccf=',
      'ccf="',
      '54 ',
      '--b\r\n',
      '--b\r\n\r\n',
    ],
  ]
  for (const fill of [...REPEATED, '--b', '\r\n--b', '--b \r', 'a=b,']) {
    const filled = fill.repeat(VALUE_LENGTH / fill.length)
    for (const head of heads) {
      for (const { name, read } of CODECS) takesLinearTime(`${name} of ${head}${fill}`, () => read(head + filled))
    }
  }
})

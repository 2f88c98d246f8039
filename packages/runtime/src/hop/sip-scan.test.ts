import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { requestMethod, responseBranch, responseStatus } from './sip-scan.ts'

const status = (line: string): number => responseStatus(Buffer.from(line))
const branch = (...lines: string[]): string | undefined =>
  responseBranch(Buffer.from(['SIP/2.0 200 OK', ...lines, '', 'body'].join('\r\n'), 'latin1'))

test('a status line is told from everything else (RFC 3261 section 7.2)', () => {
  assert.equal(status('SIP/2.0 200 OK\r\n'), 200)
  assert.equal(status('SIP/2.0 699 \r\n'), 699)
  for (const line of [
    '',
    'SIP/2.0 ',
    'SIP/2.0 2x0 OK\r\n',
    'SIP/2.0 099 OK\r\n',
    'SIP/3.0 200 OK\r\n',
    'PUBLISH sip:a SIP/2.0',
  ]) {
    assert.equal(status(line), 0, line)
  }
})

test('a method is a short word of capitals, or UNKNOWN (names of spans are few)', () => {
  assert.equal(requestMethod(Buffer.from('SUBSCRIBE sip:a@b SIP/2.0\r\n')), 'SUBSCRIBE')
  for (const line of ['', ' X', 'subscribe sip:a', 'ABCDEFGHIJKLMNOPQRSTUVW sip:a', 'A/B sip:a', 'GET']) {
    assert.equal(requestMethod(Buffer.from(line)), 'UNKNOWN', line)
  }
})

test('the branch is that of the topmost Via, however it is written (RFC 3261 sections 7.3.1 and 20.42)', () => {
  assert.equal(branch('Via: SIP/2.0/UDP a;branch=z9hG4bK1'), 'z9hG4bK1')
  assert.equal(branch('From: <sip:x>', 'v:SIP/2.0/UDP a:5060;rport;branch=z9hG4bK2;received=1.2.3.4'), 'z9hG4bK2')
  assert.equal(branch('VIA \t : SIP / 2.0 / UDP a ; Branch = z9hG4bK3'), 'z9hG4bK3')
  assert.equal(branch('Via: SIP/2.0/UDP a', '  ;branch=z9hG4bK4', 'Via: SIP/2.0/UDP b;branch=no'), 'z9hG4bK4')
  assert.equal(branch('Via: SIP/2.0/UDP a;branch=z9hG4bK5,SIP/2.0/UDP b;branch=no'), 'z9hG4bK5')
  assert.equal(branch('Via: SIP/2.0/UDP a;x=";branch=no,";branch=z9hG4bK6'), 'z9hG4bK6')
  assert.equal(branch('Viable: SIP/2.0/UDP a;branch=no', 'Vx: y;branch=no', 'Via: b;branch=z9hG4bK7'), 'z9hG4bK7')
})

test('without a branch in the topmost Via there is none', () => {
  assert.equal(branch('Via: SIP/2.0/UDP a', 'Via: SIP/2.0/UDP b;branch=no'), undefined)
  assert.equal(branch('Via: SIP/2.0/UDP a, SIP/2.0/UDP b;branch=no'), undefined)
  assert.equal(branch('From: <sip:x>'), undefined)
  assert.equal(responseBranch(Buffer.from('SIP/2.0 200 OK\r\n\r\nVia: a;branch=no')), undefined)
  for (const text of ['', 'SIP/2.0 200 OK', 'SIP/2.0 200 OK\r\n', 'SIP/2.0 200 OK\r\nVia', 'SIP/2.0 200 OK\r\nVia:']) {
    assert.equal(responseBranch(Buffer.from(text)), undefined)
  }
})

test('no octets make it throw, or take longer than in proportion to their number', () => {
  const piece = fc.constantFrom(
    '\r\n',
    '\n',
    'Via',
    'v',
    ':',
    ' ',
    ';',
    'branch',
    '=',
    '"',
    '\\',
    ',',
    'SIP/2.0 200 OK',
    'x',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const octets = Buffer.from(pieces.join(''), 'latin1')
      responseBranch(octets)
      responseStatus(octets)
      requestMethod(octets)
    }),
    { seed: 20261125, numRuns: 2_000 },
  )
  const cost = (count: number, unit: string): number => {
    const octets = Buffer.from(`SIP/2.0 200 OK\r\nVia: a${unit.repeat(count)}`)
    const start = process.cpuUsage()
    for (let i = 0; i < 20; i++) responseBranch(octets)
    return process.cpuUsage(start).user
  }
  for (const unit of [';', ' ', '; ', '"', '";', ',', '\r\n ', 'v ', '\r\nv']) {
    assert.ok(cost(20_000, unit) < 300_000, JSON.stringify(unit))
  }
})

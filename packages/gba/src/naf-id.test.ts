import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { DEFAULT_CIPHERS } from 'node:tls'
import { CIPHER_SUITES } from './cipher-suites.ts'
import { InvalidNafIdError, nafId, UnknownCipherSuiteError, uaProtocolOfSuiteName, uaProtocolOfTls } from './mod.ts'

test('a NAF_Id is the name in lower case and five octets (TS 33.220 clause 4.5.2, TS 33.220 annex H)', () => {
  const id = nafId('XCAP.home1.net', Buffer.of(1, 0, 0, 0, 2))
  assert.equal(id.toString('latin1'), 'xcap.home1.net\x01\x00\x00\x00\x02')
})

test('a NAF_Id needs a host name and five octets (TS 33.220 annex H.1)', () => {
  const protocol = Buffer.of(1, 0, 0, 0, 2)
  for (const name of ['', 'a b', 'naf:443', 'näf.net', 'naf..net', 'naf.net.', `${'a.'.repeat(130)}net`, 'naf\x01']) {
    assert.throws(() => nafId(name, protocol), InvalidNafIdError, name)
  }
  assert.throws(() => nafId('naf.net', Buffer.alloc(4)), InvalidNafIdError)
  assert.throws(() => nafId('naf.net', Buffer.alloc(6)), InvalidNafIdError)
})

test('the identifier of TLS ends in the code of its cipher suite (TS 33.220 annex H.3, TS 33.222 clause 5.4.0.2)', () => {
  assert.equal(uaProtocolOfTls(0xc02f).toString('hex'), '010001c02f')
  assert.equal(uaProtocolOfSuiteName('TLS_PSK_WITH_AES_128_GCM_SHA256').toString('hex'), '01000100a8')
  assert.equal(uaProtocolOfSuiteName('TLS_AES_128_GCM_SHA256').toString('hex'), '0100011301')
  assert.throws(() => uaProtocolOfSuiteName('TLS_NULL_WITH_NULL_NULL'), UnknownCipherSuiteError)
  assert.throws(() => uaProtocolOfSuiteName('constructor'), UnknownCipherSuiteError)
})

test('openssl says the same codes, and none of its suites with a key is missing (TS 33.220 annex H.3)', () => {
  const list = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'
  const openssl = (option: string): string[] =>
    execFileSync('openssl', ['ciphers', option, list], { encoding: 'utf8' }).trim().split('\n')
  const codes = openssl('-V').map((line) => Number(`0x${line.trim().slice(2, 4)}${line.trim().slice(7, 9)}`))
  const names = openssl('-stdname').map((line) => line.split(' ')[0] ?? '')
  assert.ok(codes.length > 50 && codes.length === names.length)
  const theirs = new Map(names.map((name, index) => [name, codes[index]]))
  // Without encryption or without a key that proves anybody; national and forgotten ones.
  const isOurs = (name: string): boolean => !/_NULL_|anon|SRP|_DSS_|SEED|GOST|DES|UNKNOWN/.test(name)
  for (const [name, code] of theirs) if (isOurs(name)) assert.equal(CIPHER_SUITES[name], code, name)
  assert.equal(new Set(Object.values(CIPHER_SUITES)).size, Object.keys(CIPHER_SUITES).length)
})

test('every suite that Node offers by itself is in the table', () => {
  const offered = DEFAULT_CIPHERS.split(':').filter((name) => /^(TLS_|ECDHE|DHE)/.test(name) && !name.startsWith('!'))
  assert.ok(offered.length > 5)
  const listed = execFileSync('openssl', ['ciphers', '-stdname', offered.join(':')], { encoding: 'utf8' })
  for (const line of listed.trim().split('\n')) assert.ok(CIPHER_SUITES[line.split(' ')[0] ?? ''], line)
})

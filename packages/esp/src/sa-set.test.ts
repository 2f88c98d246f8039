import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkSaSet,
  formatWiresharkSas,
  InvalidSaSetError,
  type SaEnd,
  type SaSetParameters,
  sameSaSet,
  selectorsOf,
} from './mod.ts'
import { testKeys } from './testing/keys.ts'

const ue: SaEnd = { address: '127.0.1.1', portC: 40_001, portS: 40_002, spiC: 1_000_000_001, spiS: 1_000_000_002 }
const pcscf: SaEnd = { address: '127.0.0.1', portC: 15_100, portS: 15_064, spiC: 2_000_000_001, spiS: 4_000_000_002 }
const keys = testKeys({ encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' })
const atUe: SaSetParameters = { id: 'set', local: ue, remote: pcscf, keys }
const atPcscf: SaSetParameters = { id: 'set', local: pcscf, remote: ue, keys }

test('the UE has the four SAs of the standard (TS 33.203 clause 7.1)', () => {
  const uc = { address: ue.address, port: ue.portC }
  const us = { address: ue.address, port: ue.portS }
  const pc = { address: pcscf.address, port: pcscf.portC }
  const ps = { address: pcscf.address, port: pcscf.portS }
  assert.deepEqual(selectorsOf(atUe), [
    { direction: 'outbound', spi: pcscf.spiS, source: uc, destination: ps },
    { direction: 'inbound', spi: ue.spiC, source: ps, destination: uc },
    { direction: 'inbound', spi: ue.spiS, source: pc, destination: us },
    { direction: 'outbound', spi: pcscf.spiC, source: us, destination: pc },
  ])
})

test('both ends see the same four SAs, one outbound where the other has it inbound (TS 33.203 clause 7.1)', () => {
  const flip = (set: SaSetParameters): unknown[] =>
    selectorsOf(set)
      .map(({ direction, ...rest }) => ({ ...rest, direction: direction === 'inbound' ? 'outbound' : 'inbound' }))
      .sort((a, b) => a.spi - b.spi)
  const plain = [...selectorsOf(atPcscf)].sort((a, b) => a.spi - b.spi)
  assert.deepEqual(
    flip(atUe),
    plain.map(({ spi, source, destination, direction }) => ({ spi, source, destination, direction })),
  )
})

test('refuses a set that cannot work or could be reflected, by field (TS 33.203 clause 7.1)', () => {
  const cases: [string, SaSetParameters][] = [
    ['local.address', { ...atUe, local: { ...ue, address: 'localhost' } }],
    ['remote.address', { ...atUe, remote: { ...pcscf, address: '::1' } }],
    ['local.address', { ...atUe, local: { ...ue, address: '::1::' } }],
    ['local.portC', { ...atUe, local: { ...ue, portC: 0 } }],
    ['remote.portS', { ...atUe, remote: { ...pcscf, portS: 65_536 } }],
    ['remote.portS', { ...atUe, remote: { ...pcscf, portS: pcscf.portC } }],
    ['local.spiC', { ...atUe, local: { ...ue, spiC: 255 } }],
    ['local.spiS', { ...atUe, local: { ...ue, spiS: 2 ** 32 } }],
    ['remote.spiC', { ...atUe, remote: { ...pcscf, spiC: 0 } }],
    ['remote.spiS', { ...atUe, remote: { ...pcscf, spiS: -1 } }],
    ['remote.spiS', { ...atUe, remote: { ...pcscf, spiS: 1.5 } }],
    ['spi', { ...atUe, local: { ...ue, spiC: ue.spiS } }],
    ['spi', { ...atUe, remote: { ...pcscf, spiC: pcscf.spiS } }],
    ['spi', { ...atUe, remote: { ...pcscf, spiC: ue.spiS } }],
    ['spi', { ...atUe, remote: { ...pcscf, spiS: ue.spiS } }],
  ]
  for (const [field, set] of cases) {
    assert.throws(
      () => checkSaSet(set),
      (error: unknown) => error instanceof InvalidSaSetError && error.field === field,
      field,
    )
  }
  checkSaSet(atUe)
  checkSaSet({ ...atUe, local: { ...ue, address: '2001:db8::1' }, remote: { ...pcscf, address: '2001:db8::2' } })
  checkSaSet(atPcscf)
})

test("takes the other end's reserved SPIs 1 to 255, which live networks send (RFC 4303 section 2.1)", () => {
  checkSaSet({ ...atUe, remote: { ...pcscf, spiC: 1, spiS: 2 } })
})

test('two sets are the same only if all of them is, keys included', () => {
  assert.ok(sameSaSet(atUe, { ...atUe, keys: testKeys({ encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' }) }))
  for (const other of [
    atPcscf,
    { ...atUe, id: 'other' },
    { ...atUe, local: { ...ue, portC: 40_003 } },
    { ...atUe, remote: { ...pcscf, spiS: 7_000 } },
    { ...atUe, keys: testKeys({ encryption: 'null', integrity: 'hmac-sha-1-96' }) },
    { ...atUe, keys: { ...keys, encryptionKey: keys.integrityKey } },
    { ...atUe, keys: { ...keys, salt: keys.integrityKey } },
  ]) {
    assert.ok(!sameSaSet(atUe, other))
  }
})

test("writes the lines of Wireshark's esp_sa table, eight quoted columns each", () => {
  const ck = keys.encryptionKey.reveal().toString('hex')
  const ik = keys.integrityKey.reveal().toString('hex')
  const rest = `"AES-CBC [RFC3602]","0x${ck}","HMAC-SHA-1-96 [RFC2404]","0x${ik}"`
  const spis = ['ee6b2802', '3b9aca01', '3b9aca02', '77359401']
  assert.deepEqual(
    formatWiresharkSas(atUe),
    spis.map((spi) => `"IPv4","*","*","0x${spi}",${rest}`),
  )
  const nullKeys = testKeys({ encryption: 'null', integrity: 'hmac-md5-96' })
  const line = formatWiresharkSas({ ...atUe, keys: nullKeys })[0]
  const gcm = formatWiresharkSas({ ...atUe, keys: testKeys({ encryption: 'aes-gcm', integrity: 'null' }) })[0]
  assert.match(gcm ?? '', /,"AES-GCM with 16 octet ICV \[RFC4106\]","0x[0-9a-f]{40}","NULL",""$/)
  const ipv6 = { ...atUe, local: { ...ue, address: '::1' }, remote: { ...pcscf, address: '::2' } }
  assert.match(formatWiresharkSas(ipv6)[0] ?? '', /^"IPv6","\*","\*","0xee6b2802",/)
  assert.match(line ?? '', /^"IPv4","\*","\*","0xee6b2802","NULL","","HMAC-MD5-96 \[RFC2403\]","0x[0-9a-f]{32}"$/)
})

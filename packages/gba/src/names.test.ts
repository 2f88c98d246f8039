import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bsfNameOf,
  btidOf,
  InvalidBtidError,
  nafRealmOf,
  parseBtid,
  parseNafRealm,
  parsePskIdentity,
  pskIdentityOf,
  xcapRootOf,
} from './mod.ts'
import { GBA_VECTOR_BSF, GBA_VECTORS } from './vectors/gba.ts'

test('the BSF is found by the domain of the IMPI (TS 23.003 clause 16.2)', () => {
  assert.equal(bsfNameOf('user1_private@home1.net'), 'bsf.home1.net')
  const imsi = '001010000000001@ims.mnc001.mcc001.3gppnetwork.org'
  assert.equal(bsfNameOf(imsi), 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org')
  assert.equal(bsfNameOf(imsi.replace('.3gpp', '.pub.3gpp')), 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org')
})

test('the XCAP root is found by the home domain (TS 23.003 clause 13.9)', () => {
  assert.equal(xcapRootOf('ims.mnc001.mcc001.3gppnetwork.org'), 'https://xcap.ims.mnc001.mcc001.pub.3gppnetwork.org/')
  assert.equal(xcapRootOf('Home1.net'), 'https://xcap.home1.net/')
})

test('a B-TID is RAND in base64 at the BSF (TS 33.220 clause 4.5.2, TS 33.220 clause 4.4.7)', () => {
  for (const { rand, btid } of GBA_VECTORS) {
    assert.equal(btidOf(Buffer.from(rand, 'hex'), GBA_VECTOR_BSF), btid)
    assert.equal(parseBtid(btid), btid)
  }
})

test('what is no B-TID is refused (TS 24.109 clause 5.2)', () => {
  for (const text of [
    '',
    'abc',
    '@bsf',
    'abc@',
    'a b@bsf',
    'abc@bsf\r\n',
    `${'a'.repeat(129)}@bsf`,
    'a"@bsf',
    'ä@bsf',
  ]) {
    assert.throws(() => parseBtid(text), InvalidBtidError, text)
  }
})

test('a NAF asks by its realm, alone or among others (TS 24.109 clause 5.2.4)', () => {
  assert.equal(nafRealmOf('xcap.home1.net'), '3GPP-bootstrapping@xcap.home1.net')
  assert.deepEqual(parseNafRealm('3GPP-bootstrapping-uicc@naf.net;3GPP-bootstrapping@NAF.net;'), [
    { prefix: '3GPP-bootstrapping-uicc', fqdn: 'naf.net' },
    { prefix: '3GPP-bootstrapping', fqdn: 'naf.net' },
  ])
  for (const other of [
    '',
    'home1.net',
    '3GPP-bootstrapping',
    '3GPP-bootstrapping-akma@naf.net',
    '3GPP-bootstrapping@',
  ]) {
    assert.deepEqual(parseNafRealm(other), [], other)
  }
})

test('a PSK identity is the prefix and the B-TID, with any separator (TS 24.109 clause 5.3.3.1.2, TS 24.109 clause 5.3.3.1.3, TS 24.109 clause 5.3.3.3)', () => {
  const btid = 'I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net'
  assert.equal(pskIdentityOf(btid), `3GPP-bootstrapping;${btid}`)
  for (const separator of [';', '.', ':', '']) {
    assert.deepEqual(parsePskIdentity(`3GPP-bootstrapping${separator}${btid}`), { label: 'gba-me', btid })
    assert.deepEqual(parsePskIdentity(`3GPP-bootstrapping-uicc${separator}${btid}`), { label: 'gba-u', btid })
  }
  for (const other of ['', btid, '3GPP-bootstrapping', `3GPP-AKMA;${btid}`, `3GPP-bootstrapping;;${btid}`]) {
    assert.equal(parsePskIdentity(other), undefined, other)
  }
})

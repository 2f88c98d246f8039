import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses, sameAgain } from '../testing/same-again.ts'
import { formatAccessNetworkInfo, parseAccessNetworkInfo } from './access-network-info.ts'
import {
  formatChargingFunctions,
  formatChargingVector,
  parseChargingFunctions,
  parseChargingVector,
} from './charging.ts'
import { formatVisitedNetworkIds, parseVisitedNetworkIds } from './visited-network-id.ts'

test('P-Access-Network-Info tells access type and cell (RFC 7315 section 4.4)', () => {
  const [info] = parseAccessNetworkInfo(['3GPP-UTRAN-TDD; utran-cell-id-3gpp=234151D0FCE11'])
  assert.deepEqual(info, {
    accessType: '3GPP-UTRAN-TDD',
    isNetworkProvided: false,
    params: new Map([['utran-cell-id-3gpp', '234151D0FCE11']]),
  })
})

test('what the network provides is told from what the UE says (RFC 7315 section 5.4)', () => {
  const text =
    'IEEE-802.11;i-wlan-node-id=00:11:22:33:44:55, 3GPP-E-UTRAN-FDD;x="a;network-provided,b";network-provided'
  const infos = parseAccessNetworkInfo([text])
  assert.deepEqual(
    infos.map(({ accessType, isNetworkProvided }) => [accessType, isNetworkProvided]),
    [
      ['IEEE-802.11', false],
      ['3GPP-E-UTRAN-FDD', true],
    ],
  )
  assert.equal(
    sameAgain(infos, formatAccessNetworkInfo, (written) => parseAccessNetworkInfo([written])),
    text,
  )
  assert.equal(parseAccessNetworkInfo(['ADSL; Network-Provided '])[0]?.isNetworkProvided, true)
  assert.equal(parseAccessNetworkInfo(['ADSL;network-providedx'])[0]?.isNetworkProvided, false)
  refuses('P-Access-Network-Info', (value) => parseAccessNetworkInfo([value]), [';a', 'A B', 'A;;b', 'A,', 'A;b="'])
})

test('P-Visited-Network-ID is a token or in quotes (the example of RFC 7315 section 4.3)', () => {
  const text = 'other.net, "Visited network number 1"'
  const networks = parseVisitedNetworkIds([text])
  assert.deepEqual(
    networks.map(({ id }) => id),
    ['other.net', 'Visited network number 1'],
  )
  assert.equal(
    sameAgain(networks, formatVisitedNetworkIds, (written) => parseVisitedNetworkIds([written])),
    text,
  )
  // RFC 7315 section 5.3
  assert.equal(formatVisitedNetworkIds([{ id: 'a"b\\', params: new Map([['x', true]]) }]), '"a\\"b\\\\";x')
  refuses('P-Visited-Network-ID', (value) => parseVisitedNetworkIds([value]), ['"a', 'a b', ';x', 'a,', '"a"b', 'a,,b'])
})

test('P-Charging-Function-Addresses lists several of a kind (the example of RFC 7315 section 4.5)', () => {
  const functions = parseChargingFunctions(['ccf=192.1.1.1; ccf=192.1.1.2; ecf=192.1.1.3; ecf=192.1.1.4'])
  assert.deepEqual(functions, { ccf: ['192.1.1.1', '192.1.1.2'], ecf: ['192.1.1.3', '192.1.1.4'], params: [] })
  assert.equal(
    sameAgain(functions, formatChargingFunctions, (written) => parseChargingFunctions([written])),
    'ccf=192.1.1.1;ccf=192.1.1.2;ecf=192.1.1.3;ecf=192.1.1.4',
  )
})

test('charging addresses may be IPv6, quoted, over lines and commas (RFC 7315 section 5.5)', () => {
  const functions = parseChargingFunctions(['ccf=[5555::a:b:c:d] , ECF="aaa://h;transport=tcp"', 'x;y=z'])
  assert.deepEqual(functions, {
    ccf: ['[5555::a:b:c:d]'],
    ecf: ['aaa://h;transport=tcp'],
    params: [
      ['x', true],
      ['y', 'z'],
    ],
  })
  sameAgain(functions, formatChargingFunctions, (written) => parseChargingFunctions([written]))
  const many = Array.from({ length: 65 }, () => 'ccf=a').join(';')
  refuses('P-Charging-Function-Addresses', (value) => parseChargingFunctions([value]), [
    ...['', 'ccf', 'ccf=', 'ccf=a;', ';ccf=a', 'ccf=a b', 'ccf="a', many],
  ])
})

test('P-Charging-Vector is found by its icid (the example of RFC 7315 section 4.6)', () => {
  const vector = parseChargingVector('icid-value=1234bc9876e; icid-generated-at=192.0.6.8; orig-ioi=home1.net')
  assert.deepEqual(vector, {
    icid: '1234bc9876e',
    icidGeneratedAt: '192.0.6.8',
    origIoi: 'home1.net',
    termIoi: undefined,
    params: new Map(),
  })
  assert.equal(
    sameAgain(vector, formatChargingVector, parseChargingVector),
    'icid-value=1234bc9876e;icid-generated-at=192.0.6.8;orig-ioi=home1.net',
  )
})

test('an icid with characters that are no token’s stands in quotes (RFC 7315 section 5.6)', () => {
  const text = 'icid-value="AyretyU0dm+6O2IrT5tAFrbHLso=023551024";term-ioi="b c";related-icid=x'
  const vector = parseChargingVector(text)
  assert.equal(vector.icid, 'AyretyU0dm+6O2IrT5tAFrbHLso=023551024')
  assert.equal(sameAgain(vector, formatChargingVector, parseChargingVector), text)
  refuses('P-Charging-Vector', parseChargingVector, [
    '',
    'orig-ioi=a',
    'icid-value',
    'icid-value=',
    'icid-value=""',
    'icid-value=a;icid-value=b',
    'icid-value=a, icid-value=b',
  ])
})

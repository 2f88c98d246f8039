import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseOffer, chooseServerOffer } from './choose-offer.ts'
import { SecurityAgreementError, type SecurityAgreementErrorCode, SipSyntaxError } from './errors.ts'
import { formatIpsecOffer, type IpsecOffer, isReservedSpi, parseIpsecOffers } from './ipsec-offer.ts'
import type { SipRequest } from './message.ts'
import { parseMessage } from './parse-message.ts'
import { sameMechanisms } from './same-mechanisms.ts'
import { formatSecurityMechanism, parseSecurityMechanisms } from './security-mechanism.ts'
import { REGISTER_WITH_OFFERS, wire } from './vectors/messages.ts'

const ENDS = 'spi-c=1000000001;spi-s=1000000002;port-c=15065;port-s=15066'

function offers(...lines: string[]): IpsecOffer[] {
  return parseIpsecOffers(parseSecurityMechanisms(lines))
}

function isSame(a: string, b: string): boolean {
  return sameMechanisms(parseSecurityMechanisms([a]), parseSecurityMechanisms([b]))
}

function refused(line: string, code: SecurityAgreementErrorCode): void {
  assert.throws(
    () => offers(line),
    (error) => error instanceof SecurityAgreementError && error.code === code,
    line.slice(0, 200),
  )
}

test('all entries of all lines are read, each with its own algorithms (TS 33.203 annex H)', () => {
  const request = parseMessage(wire(REGISTER_WITH_OFFERS)) as SipRequest
  const found = offers(...request.headers.getAll('Security-Client'))
  const ends = { prot: 'esp', mod: 'UDP-enc-tun', spiC: 1000000001, spiS: 4294967295, portC: 15065, portS: 15066 }
  assert.deepEqual(found, [
    { alg: 'hmac-sha-1-96', ealg: 'aes-cbc', ...ends, q: undefined },
    { alg: 'hmac-sha-1-96', ealg: 'null', ...ends, q: undefined },
    { alg: 'hmac-md5-96', ealg: 'aes-cbc', ...ends, q: undefined },
  ])
})

test('names of parameters are compared whole: a prefix is another parameter', () => {
  refused(`ipsec-3gpp;a=hmac-sha-1-96;${ENDS}`, 'SECURITY_OFFER_INVALID')
  refused(`ipsec-3gpp;algo=hmac-sha-1-96;${ENDS}`, 'SECURITY_OFFER_INVALID')
  assert.equal(offers(`ipsec-3gpp;alg=hmac-sha-1-96;ealgx=aes-cbc;${ENDS}`)[0]?.ealg, 'null')
})

test('a parameter that comes twice is refused: none of the two wins', () => {
  assert.throws(() => offers(`ipsec-3gpp;alg=hmac-sha-1-96;alg=null;${ENDS}`), SipSyntaxError)
  assert.throws(() => offers(`ipsec-3gpp;alg=null;ALG=null;${ENDS}`), SipSyntaxError)
})

test('an SPI from 2^31 on stays unsigned, in ten digits (TS 33.203 annex H)', () => {
  const [offer] = offers('ipsec-3gpp;alg=x;spi-c=4294967295;spi-s=2147483648;port-c=1;port-s=65535')
  assert.ok(offer)
  assert.equal(
    formatIpsecOffer({ ...offer, q: 0.1 }),
    'ipsec-3gpp;q=0.1;prot=esp;mod=trans;spi-c=4294967295;spi-s=2147483648;port-c=1;port-s=65535;alg=x;ealg=null',
  )
})

test('what is written is read back as it was', () => {
  const offer: IpsecOffer = {
    alg: 'hmac-sha-1-96',
    ealg: 'aes-cbc',
    prot: 'esp',
    mod: 'UDP-enc-tun',
    spiC: 1,
    spiS: 4294967294,
    portC: 40000,
    portS: 15064,
    q: 0.125,
  }
  assert.deepEqual(offers(formatIpsecOffer(offer)), [offer])
  const { q: _q, ...withoutQ } = offer
  assert.deepEqual(offers(formatIpsecOffer({ ...withoutQ, q: undefined })), [{ ...offer, q: undefined }])
})

test('SPIs of one to ten digits are read, with zeros in front; reserved ones are known as such', () => {
  const [offer] = offers('ipsec-3gpp;alg=x;spi-c=1;spi-s=0000001262;port-c=05065;port-s=15066')
  assert.equal(offer?.spiC, 1)
  assert.equal(offer?.spiS, 1262)
  assert.equal(offer?.portC, 5065)
  assert.ok(isReservedSpi(1) && isReservedSpi(255) && !isReservedSpi(256))
})

test('SPIs and ports that cannot be are refused (TS 33.203 clause 7.1)', () => {
  for (const ends of [
    'spi-c=0;spi-s=2;port-c=3;port-s=4',
    'spi-c=1;spi-s=0000000000;port-c=3;port-s=4',
    'spi-c=4294967296;spi-s=2;port-c=3;port-s=4',
    'spi-c=-1;spi-s=2;port-c=3;port-s=4',
    'spi-c=00000000001;spi-s=2;port-c=3;port-s=4',
    'spi-c=0x10;spi-s=2;port-c=3;port-s=4',
    'spi-c=7;spi-s=07;port-c=3;port-s=4',
    'spi-c;spi-s=2;port-c=3;port-s=4',
    'spi-s=2;port-c=3;port-s=4',
    'spi-c=1;spi-s=2;port-c=0;port-s=4',
    'spi-c=1;spi-s=2;port-c=65536;port-s=4',
    'spi-c=1;spi-s=2;port-c=5060;port-s=4',
    'spi-c=1;spi-s=2;port-c=3;port-s=5061',
    'spi-c=1;spi-s=2;port-c=3',
    'spi=1;port1=3;port2=4',
  ]) {
    refused(`ipsec-3gpp;alg=hmac-sha-1-96;${ends}`, 'SECURITY_OFFER_INVALID')
  }
})

test('entries that take no part in the choice are left out (TS 33.203 annex H, TS 24.229 clause 7.2A.7)', () => {
  assert.deepEqual(
    offers(`tls;q=0.5, sdes-srtp;mediasec, ipsec-3gpp;mediasec, ipsec-3gpp;alg=x;${ENDS}`).map(({ alg }) => alg),
    ['x'],
  )
  assert.deepEqual(offers(`ipsec-3gpp;alg=x;prot=ah;${ENDS}`), [])
  refused('tls, digest;d-qop=auth', 'SECURITY_MECHANISM_MISSING')
  assert.throws(() => parseIpsecOffers([]), SecurityAgreementError)
})

test('an unknown algorithm is passed over, not refused; letters in any case, blanks and quotes are taken', () => {
  const found = offers(
    `IPSEC-3GPP ; ALG = HMAC-SHA2-256-128 ; ${ENDS}`,
    `Ipsec-3gpp;Alg="HMAC-SHA-1-96";EALG=AES-CBC;PROT="ESP";MOD=udp-ENC-tun;q=1.0;${ENDS}`,
  )
  assert.equal(chooseOffer([{ alg: 'hmac-sha-1-96', ealg: 'aes-cbc', mod: 'UDP-enc-tun' }], found), found[1])
  assert.equal(found[1]?.mod, 'UDP-enc-tun')
  assert.equal(found[1]?.q, 1)
})

test('a q that is none is refused (RFC 3329 section 2.2)', () => {
  for (const q of ['2', '1.1', '0.1234', '-0.1', '.5', 'x', '1e-1', '']) {
    assert.throws(() => offers(`ipsec-3gpp;alg=x;q=${q};${ENDS}`))
  }
})

test('the P-CSCF chooses by its own order, whatever the UE ranks (TS 33.203 clause 7.2)', () => {
  const mod = 'UDP-enc-tun'
  const own = [
    { alg: 'hmac-sha-1-96', ealg: 'aes-cbc', mod },
    { alg: 'hmac-sha-1-96', ealg: 'null', mod },
  ]
  const line = (alg: string, ealg: string, q: string, mode = mod): string =>
    `ipsec-3gpp;alg=${alg};ealg=${ealg};mod=${mode};q=${q};${ENDS}`
  const found = offers(
    line('hmac-sha-1-96', 'null', '0.9'),
    line('hmac-md5-96', 'aes-cbc', '0.8'),
    line('hmac-sha-1-96', 'aes-cbc', '0.1'),
  )
  assert.equal(chooseOffer(own, found), found[2])
  assert.equal(chooseOffer(own, found.slice(0, 2)), found[0])
  assert.equal(chooseOffer(own, found.slice(1, 2)), undefined)
  assert.equal(chooseOffer(own, offers(line('hmac-sha-1-96', 'aes-cbc', '1', 'trans'))), undefined)
  assert.equal(chooseOffer([], found), undefined)
})

test('the UE takes the entry with the highest q that it supports, of equal ones the first (TS 33.203 clause 7.2)', () => {
  const own = [
    { alg: 'hmac-md5-96', ealg: 'null', mod: 'trans' },
    { alg: 'hmac-sha-1-96', ealg: 'null', mod: 'trans' },
  ]
  const found = offers(
    `ipsec-3gpp;alg=hmac-md5-96;${ENDS}`,
    `ipsec-3gpp;q=0.10;alg=hmac-md5-96;${ENDS}`,
    `ipsec-3gpp;q=0.7;alg=hmac-sha-1-96;${ENDS}`,
    `ipsec-3gpp;q=0.700;alg=hmac-md5-96;${ENDS}`,
    `ipsec-3gpp;q=0.9;alg=aes-gmac;${ENDS}`,
  )
  assert.equal(chooseServerOffer(own, found), found[2])
  assert.equal(chooseServerOffer(own.slice(0, 1), found), found[3])
  assert.equal(chooseServerOffer(own.slice(0, 1), found.slice(0, 1)), found[0])
  assert.equal(chooseServerOffer([], found), undefined)
})

test('a mirror is the same when only its spelling differs (RFC 3329 section 2.3.1)', () => {
  const sent = `ipsec-3gpp;q=0.9;prot=esp;mod=trans;${ENDS};alg=hmac-sha-1-96;ealg=null, tls;q=0.5`
  assert.ok(isSame(sent, sent))
  const mirrored =
    'IPSEC-3GPP ; ALG="HMAC-SHA-1-96" ;spi-s=1000000002; port-s=15066;port-c=15065;q=0.90;spi-c=1000000001,TLS; q=0.500'
  assert.ok(isSame(sent, mirrored))
  assert.ok(isSame(sent.replaceAll('=1000000001', '=7'), mirrored.replaceAll('=1000000001', '=0000000007')))
  const lines = parseSecurityMechanisms(sent.split(', '))
  assert.ok(sameMechanisms(lines, parseSecurityMechanisms([sent])))
})

test('a mirror with any change of meaning is another (RFC 3329 section 2.3.1)', () => {
  const sent = `ipsec-3gpp;q=0.9;${ENDS};alg=hmac-sha-1-96;ealg=aes-cbc, ipsec-3gpp;q=0.7;${ENDS};alg=hmac-md5-96`
  for (const [from, to] of [
    ['alg=hmac-sha-1-96', 'alg=hmac-md5-96'],
    ['ealg=aes-cbc', 'ealg=null'],
    [';ealg=aes-cbc', ''],
    ['spi-c=1000000001', 'spi-c=1000000003'],
    ['port-s=15066', 'port-s=15067'],
    ['q=0.9', 'q=0.8'],
    ['q=0.9;', ''],
    ['ipsec-3gpp;q=0.9', 'ipsec-3gpp;q=0.9;mod=UDP-enc-tun'],
    ['ipsec-3gpp;q=0.9', 'ipsec-3gpp;q=0.9;extra'],
    ['ipsec-3gpp;q=0.9', 'tls;q=0.9'],
  ] as const) {
    assert.notEqual(sent.replace(from, to), sent)
    assert.ok(!isSame(sent, sent.replace(from, to)), to)
  }
  assert.ok(!isSame(sent, sent.split(', ').reverse().join(',')))
  assert.ok(!isSame(sent, String(sent.split(', ')[0])))
  assert.ok(!isSame(String(sent.split(', ')[0]), sent))
  assert.ok(!isSame('tls;ealg=null', 'tls'))
})

test('a hostile Security-Client ends in a typed error (a known mistake of other stacks)', () => {
  for (const line of [
    '',
    ' ',
    ',',
    ';',
    '=',
    ';alg=test',
    'ipsec-3gpp;',
    'ipsec-3gpp;;alg=x',
    'ipsec-3gpp;alg=',
    'ipsec-3gpp alg=x',
    'ipsec-3gpp;alg="x',
    `ipsec-3gpp;alg=x\0y;${ENDS}`,
    `ipsec-3gpp\0;alg=x;${ENDS}`,
    `ipsec-3gpp;alg=x;${ENDS},`,
    Array(5000).fill(`ipsec-3gpp;alg=x;${ENDS}`).join(','),
    `ipsec-3gpp;${Array.from({ length: 5000 }, (_, at) => `p${at}`).join(';')}`,
  ]) {
    assert.throws(() => offers(line), SipSyntaxError, line.slice(0, 60))
  }
  refused('ipsec-3gpp;alg', 'SECURITY_OFFER_INVALID')
  for (const line of ['x', 'ipsec-3gp;alg=x', 'ipsec-3gppp;alg=x']) refused(line, 'SECURITY_MECHANISM_MISSING')
  // Long, but well-formed: an algorithm that nobody knows.
  assert.equal(
    chooseOffer([{ alg: 'a', ealg: 'null', mod: 'trans' }], offers(`ipsec-3gpp;alg=${'a'.repeat(5000)};${ENDS}`)),
    undefined,
  )
})

test('a mechanism is written as it was read (RFC 3329 section 2.2)', () => {
  const text = 'ipsec-3gpp;alg=hmac-sha-1-96;x="A b"'
  assert.equal(parseSecurityMechanisms([text]).map(formatSecurityMechanism).join(), text)
})

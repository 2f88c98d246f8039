import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseOffer, chooseServerOffer } from './choose-offer.ts'
import { SecurityAgreementError, SipSyntaxError } from './errors.ts'
import { type IpsecOffer, isReservedSpi, parseIpsecOffers } from './ipsec-offer.ts'
import { sameMechanisms } from './same-mechanisms.ts'
import { isMediaSecurity, parseSecurityMechanisms } from './security-mechanism.ts'

// What phones and networks in the field send, and what nobody should.

const ENDS = 'spi-c=1000000001;spi-s=1000000002;port-c=15065;port-s=15066'

function offers(...lines: string[]): IpsecOffer[] {
  return parseIpsecOffers(parseSecurityMechanisms(lines))
}

test('lists are read and compared as a whole (the example of RFC 3329 section 3.1)', () => {
  // RFC 3329 section 2.2
  const server = parseSecurityMechanisms(['ipsec-ike;q=0.1', 'tls;q=0.2'])
  assert.deepEqual(
    server.map(({ name, params }) => [name, params.get('q')]),
    [
      ['ipsec-ike', '0.1'],
      ['tls', '0.2'],
    ],
  )
  // RFC 3329 section 2.3.1
  assert.ok(sameMechanisms(server, parseSecurityMechanisms(['IPSEC-IKE;q=0.10 ,\ttls; q = 0.2'])))
  assert.ok(!sameMechanisms(server, parseSecurityMechanisms(['tls;q=0.2', 'ipsec-ike;q=0.1'])))
  assert.deepEqual(
    parseSecurityMechanisms(['tls', 'digest']).map(({ name }) => name),
    ['tls', 'digest'],
  )
})

test('six entries over several lines, as phones send them, are six offers (TS 33.203 annex H)', () => {
  const line = (alg: string, ealg: string) =>
    `ipsec-3gpp; alg=${alg}; ealg=${ealg}; spi-c=1262; spi-s=1263; port-c=31800; port-s=31801; prot=esp; mod=trans`
  const found = offers(
    `${line('hmac-sha-1-96', 'des-ede3-cbc')},${line('hmac-sha-1-96', 'aes-cbc')}`,
    line('HMAC-SHA-1-96', 'NULL'),
    [line('hmac-md5-96', 'des-ede3-cbc'), line('hmac-md5-96', 'aes-cbc'), line('hmac-md5-96', 'null')].join(' , '),
  )
  assert.deepEqual(
    found.map(({ alg, ealg, spiC, portS }) => [alg, ealg, spiC, portS]),
    ['hmac-sha-1-96', 'hmac-md5-96'].flatMap((alg) =>
      ['des-ede3-cbc', 'aes-cbc', 'null'].map((ealg) => [alg, ealg, 1262, 31801]),
    ),
  )
})

test('a network’s list with the SPIs 1 and 2 and its q unsorted is read (TS 33.203 annex H)', () => {
  const entry = (q: string, ealg: string) =>
    `ipsec-3gpp;q=${q};alg=hmac-sha-1-96;ealg=${ealg};spi-c=1;spi-s=2;port-c=31612;port-s=31510`
  const found = offers(`${entry('0.1', 'null')},${entry('0.6', 'aes-cbc')}`, entry('0.3', 'des-ede3-cbc'))
  const own = ['null', 'aes-cbc', 'des-ede3-cbc'].map((ealg) => ({ alg: 'hmac-sha-1-96', ealg, mod: 'trans' }))
  assert.equal(chooseServerOffer(own, found)?.ealg, 'aes-cbc')
  assert.ok(isReservedSpi(found[0]?.spiC ?? 0))
})

test('media plane entries are known, whatever else they say (TS 24.229 clause 7.2A.7)', () => {
  const mechanisms = parseSecurityMechanisms([`sdes-srtp;mediasec, ipsec-3gpp;alg=x;${ENDS}, msrp-tls;MEDIASEC`])
  assert.deepEqual(mechanisms.map(isMediaSecurity), [true, false, true])
})

test('GCM and GMAC are offered as pairs of their own (TS 33.203 annex I)', () => {
  const [gcm, gmac] = offers(`ipsec-3gpp;alg=null;ealg=aes-gcm;${ENDS}, ipsec-3gpp;alg=aes-gmac;${ENDS}`)
  assert.deepEqual([gcm?.alg, gcm?.ealg, gmac?.alg, gmac?.ealg], ['null', 'aes-gcm', 'aes-gmac', 'null'])
})

test('hostile lists end in a typed error: empty, nameless, long, with NULs, without end (RFC 3329 section 2.2)', () => {
  for (const lines of [
    [''],
    [','],
    [';alg=test'],
    ['ipsec-3gpp;'],
    ['ipsec-3gpp;;alg=x'],
    [`ipsec-3gpp;alg="x;${ENDS}`],
    [`ipsec-3gpp;alg=x\0;${ENDS}`],
    [`ipsec-3gpp\0;alg=x;${ENDS}`],
    [`ipsec-3gpp;alg=x;${ENDS};q=1.5`],
    [`ipsec-3gpp;alg=x;${ENDS};q`],
    [Array.from({ length: 2_000 }, () => `ipsec-3gpp;alg=x;${ENDS}`).join(',')],
    Array.from({ length: 129 }, () => 'tls'),
    [`ipsec-3gpp;${Array.from({ length: 65 }, (_, index) => `p${index}=1`).join(';')}`],
    [`tls;alg=${'x'.repeat(5_000)}`],
  ]) {
    assert.throws(
      () => offers(...lines),
      (error) => error instanceof SipSyntaxError || error instanceof SecurityAgreementError,
      lines.join().slice(0, 100),
    )
  }
  // An algorithm of 5,000 octets is one that nobody knows: it is passed over.
  const [offer] = offers(`ipsec-3gpp;alg=${'x'.repeat(5_000)};${ENDS}`)
  assert.ok(offer && chooseOffer([{ alg: 'null', ealg: 'null', mod: 'trans' }], [offer]) === undefined)
})

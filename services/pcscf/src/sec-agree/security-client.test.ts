import assert from 'node:assert/strict'
import test from 'node:test'
import { ALGORITHM_PAIR_NAMES } from '@rollcall/esp'
import {
  chooseServerOffer,
  createRequest,
  parseIpsecOffers,
  parseSecurityMechanisms,
  type SipRequest,
} from '@rollcall/sip'
import fc from 'fast-check'
import { ownPairs } from './own-pairs.ts'
import type { SecAgreePolicy, VerifyComparison } from './policy.ts'
import { readSecurityClient, type SecurityAgreement } from './security-client.ts'
import { formatSecurityServer } from './security-server.ts'
import { checkSecurityVerify } from './security-verify.ts'
import { stripSecAgree } from './strip.ts'

const OWN_PAIRS = ownPairs(['hmac-sha-1-96/aes-cbc', 'hmac-sha-1-96/null'], 'UDP-enc-tun')
const OWN: SecAgreePolicy = {
  pairs: OWN_PAIRS,
  list: 'full',
  missing: 'negotiate',
  noCommonPairStatus: 403,
  mismatchStatus: 494,
  verify: 'tolerant',
}
const WITH_MD5 = { ...OWN, pairs: ownPairs(['hmac-sha-1-96/aes-cbc', 'hmac-md5-96/aes-cbc'], 'UDP-enc-tun') }
const ENCRYPTED = { ...OWN, pairs: ownPairs(['hmac-sha-1-96/aes-cbc'], 'UDP-enc-tun') }
const ENDS = 'spi-c=1262;spi-s=768058;port-c=5062;port-s=5063'
const LOCAL = { address: '127.0.0.1', spiC: 3_000_000_001, spiS: 4_294_967_295, portC: 15_100, portS: 15_064 }

function request(lines: readonly string[], require = 'sec-agree'): SipRequest {
  return createRequest('REGISTER', 'sip:x.org', [
    ['Require', require],
    ['Proxy-Require', require],
    ...lines.map((line) => ['Security-Client', line] as const),
  ])
}

function agree(lines: readonly string[], own = OWN): SecurityAgreement {
  const reading = readSecurityClient(request(lines), own)
  assert.ok(reading.ok, JSON.stringify(reading))
  return reading.agreement
}

function entry(alg: string, ealg: string, more = ''): string {
  return `ipsec-3gpp;prot=esp;mod=UDP-enc-tun;${ENDS};alg=${alg};ealg=${ealg}${more}`
}

test('six entries, the best one in the middle of one line: our own list decides (TS 33.203 clause 7.2; mistake 1)', () => {
  const pairs = ['hmac-sha-1-96', 'hmac-md5-96'].flatMap((alg) =>
    ['des-ede3-cbc', 'aes-cbc', 'null'].map((ealg) => entry(alg, ealg)),
  )
  assert.equal(`${agree([pairs.join(',')]).pair.alg} ${agree([pairs.join(',')]).pair.ealg}`, 'hmac-sha-1-96 aes-cbc')
  assert.equal(agree([pairs.toReversed().join(' , ')]).pair.ealg, 'aes-cbc')
})

test('q values of the UE and several header lines do not change the choice (RFC 3329 section 2.3.1)', () => {
  const { pair, chosen } = agree([
    entry('hmac-sha-1-96', 'null', ';q=0.9'),
    entry('hmac-sha-1-96', 'aes-cbc', ';q=0.1'),
  ])
  assert.equal(pair.ealg, 'aes-cbc')
  assert.deepEqual([chosen.spiC, chosen.spiS, chosen.portC, chosen.portS], [1262, 768_058, 5062, 5063])
})

test('a later entry does not spoil an earlier one, and a prefix of a parameter name is none (mistake 1)', () => {
  assert.equal(agree([`${entry('hmac-sha-1-96', 'aes-cbc')}, ${entry('hmac-md5-96', 'null')}`]).pair.ealg, 'aes-cbc')
  const prefixed = readSecurityClient(request([`ipsec-3gpp;a=hmac-sha-1-96;e=aes-cbc;${ENDS}`]), OWN)
  assert.ok(!prefixed.ok && prefixed.status === 400)
})

test('entries of algorithms that nobody knows, of other mechanisms and of the media plane are passed over', () => {
  const { pair } = agree([
    entry('hmac-sha2-256-128', 'aes-cbc'),
    'tls;q=0.5, digest;d-qop=auth',
    'sdes-srtp;mediasec',
    entry('hmac-sha-1-96', 'aes-cbc'),
  ])
  assert.equal(pair.alg, 'hmac-sha-1-96')
})

test('names and values in upper case, blanks, and SPIs of one or ten digits are read (TS 33.203 annex H)', () => {
  const { chosen } = agree([
    'IPSEC-3GPP ; ALG = HMAC-SHA-1-96 ; EALG=AES-CBC; Prot=ESP; Mod=udp-enc-tun; SPI-C=0000000001; spi-s=4294967295;' +
      ' PORT-C=40000; port-s=40001',
  ])
  assert.deepEqual([chosen.spiC, chosen.spiS], [1, 4_294_967_295])
})

test('hmac-md5-96 is taken only when it is configured', () => {
  const lines = [entry('hmac-md5-96', 'aes-cbc')]
  const refused = readSecurityClient(request(lines), OWN)
  assert.ok(!refused.ok && refused.reason === 'no-common-pair' && refused.status === 403)
  assert.equal(agree(lines, WITH_MD5).pair.alg, 'hmac-md5-96')
})

test('no pair in common is answered by the setting, 494 with what we can do (TS 33.203 clause 7.3.2.1; RFC 3329 section 2.3.1)', () => {
  const lines = [entry('hmac-md5-96', 'aes-cbc')]
  for (const status of [400, 403, 494]) {
    const reading = readSecurityClient(request(lines), { ...OWN, noCommonPairStatus: status })
    assert.ok(!reading.ok && reading.status === status)
    assert.equal(reading.headers.length, status === 494 ? 2 : 0)
  }
  for (const other of ['tls;q=0.5', 'sdes-srtp;mediasec', `ipsec-3gpp;prot=ah;alg=hmac-sha-1-96;${ENDS}`]) {
    const reading = readSecurityClient(request([other]), OWN)
    assert.ok(!reading.ok && reading.reason === 'no-common-pair', other)
  }
})

test('a UE that offers no encryption gets null, or is refused where the policy wants encryption (TS 33.203 clause 7.2)', () => {
  const lines = [entry('hmac-sha-1-96', 'null'), `ipsec-3gpp;mod=UDP-enc-tun;${ENDS};alg=hmac-md5-96`]
  assert.equal(agree(lines).pair.ealg, 'null')
  const refused = readSecurityClient(request(lines), ENCRYPTED)
  assert.ok(!refused.ok && refused.reason === 'no-encryption-offered' && refused.status === 403)
  const other = readSecurityClient(request([...lines, entry('hmac-md5-96', 'aes-cbc')]), ENCRYPTED)
  assert.ok(!other.ok && other.reason === 'no-common-pair')
})

test('our order decides even where the UE ranks another way, so both ends choose the same (TS 33.203 clause 7.2)', () => {
  const names = ALGORITHM_PAIR_NAMES
  fc.assert(
    fc.property(fc.shuffledSubarray([...names], { minLength: 1 }), fc.shuffledSubarray([...names]), (own, ue) => {
      const policy = { ...OWN, pairs: ownPairs(own, 'UDP-enc-tun') }
      const lines = ue.map((name, at) => entry(...(name.split('/') as [string, string]), `;q=0.${at + 1}`))
      const common = own.find((name) => ue.includes(name))
      const reading = readSecurityClient(request(lines.length > 0 ? lines : ['tls']), policy)
      assert.equal(reading.ok ? `${reading.agreement.pair.alg}/${reading.agreement.pair.ealg}` : undefined, common)
      if (!reading.ok) return
      const server = parseIpsecOffers(parseSecurityMechanisms([formatSecurityServer(policy.pairs, LOCAL)]))
      const suites = ue.map((name) => ({
        alg: name.split('/')[0] ?? '',
        ealg: name.split('/')[1] ?? '',
        mod: 'UDP-enc-tun',
      }))
      const taken = chooseServerOffer(suites, server)
      assert.equal(`${taken?.alg}/${taken?.ealg}`, common)
    }),
    { seed: 33203, numRuns: 300 },
  )
})

test('what a live network and phones send is taken: six entries on three lines, q, small SPIs, other ends an entry (TS 33.203 annex H)', () => {
  const small = 'spi-c=1;spi-s=2;port-c=31000;port-s=31001'
  const { chosen } = agree([
    `ipsec-3gpp; alg=hmac-sha-1-96; ealg=des-ede3-cbc; mod=UDP-enc-tun; q=0.1; ${small},ipsec-3gpp;alg=hmac-md5-96;ealg=null;mod=trans;${small}`,
    `ipsec-3gpp;q=0.3;alg=hmac-md5-96;ealg=aes-cbc;prot=esp;mod=UDP-enc-tun;${small} , sdes-srtp;mediasec`,
    `ipsec-3gpp;q=0.4;alg=hmac-sha-1-96;ealg=null;mod=UDP-enc-tun;${ENDS},` +
      `IPSEC-3GPP;Q=0.5;ALG=HMAC-SHA-1-96;EALG=AES-CBC;MOD=UDP-ENC-TUN;${small.toUpperCase()},ipsec-3gpp;alg=x;${ENDS}`,
  ])
  assert.deepEqual([chosen.ealg, chosen.spiC, chosen.portS], ['aes-cbc', 1, 31_001])
})

test('an absent sec-agree is answered as the policy says, never passed over (mistake 23: a policy, not an accident)', () => {
  const cases = [
    ['negotiate', 421],
    ['421', 421],
    ['494', 494],
    ['403', 403],
  ] as const
  for (const [missing, status] of cases) {
    const reading = readSecurityClient(request([entry('hmac-sha-1-96', 'aes-cbc')], 'path'), { ...OWN, missing })
    assert.ok(!reading.ok && reading.status === status)
    assert.equal(reading.headers.length > 0, status !== 403)
  }
})

test('3DES, GCM and GMAC are taken only when they are configured, and each as annex H writes it (TS 33.203 annex H)', () => {
  const all = { ...OWN, pairs: ownPairs(['null/aes-gcm', 'aes-gmac/null', 'hmac-md5-96/des-ede3-cbc'], 'UDP-enc-tun') }
  const offers = {
    'null/aes-gcm': entry('null', 'aes-gcm'),
    'aes-gmac/null': `ipsec-3gpp;mod=UDP-enc-tun;${ENDS};alg=aes-gmac`,
    'hmac-md5-96/des-ede3-cbc': entry('hmac-md5-96', 'des-ede3-cbc'),
  }
  for (const [name, line] of Object.entries(offers)) {
    const { pair } = agree([line], all)
    assert.equal(`${pair.alg}/${pair.ealg}`, name)
    assert.ok(!readSecurityClient(request([line]), OWN).ok)
  }
  // `null` integrity is for GCM alone.
  const nothing = readSecurityClient(request([entry('null', 'null'), entry('null', 'aes-cbc')]), all)
  assert.ok(!nothing.ok && nothing.status === 403)
})

test('a UE that offers transport mode alone has no pair in common with us (readings, Access 1)', () => {
  const reading = readSecurityClient(request([entry('hmac-sha-1-96', 'aes-cbc').replace('UDP-enc-tun', 'trans')]), OWN)
  assert.ok(!reading.ok && reading.reason === 'no-common-pair')
})

test('Security-Server prints SPIs without sign, in ten digits, and invents no parameter (mistakes 2, 24)', () => {
  const text = formatSecurityServer(OWN_PAIRS, LOCAL)
  assert.match(text, /spi-c=3000000001;spi-s=4294967295/)
  assert.doesNotMatch(text, /=-\d|protocol/)
  const offers = parseIpsecOffers(parseSecurityMechanisms([text]))
  assert.deepEqual(
    offers.map(({ q, ealg }) => [q, ealg]),
    [
      [0.2, 'aes-cbc'],
      [0.1, 'null'],
    ],
  )
})

test('a mirror written anew, one header an entry, is the same; a changed SPI, port, algorithm or order is not (TS 33.203 annex H)', () => {
  const securityServerText = formatSecurityServer(OWN_PAIRS, LOCAL)
  const securityServer = parseSecurityMechanisms([securityServerText])
  const client = entry('hmac-sha-1-96', 'aes-cbc')
  const agreed = { securityClient: parseSecurityMechanisms([client]), securityServer, securityServerText }
  const check = (mirror: readonly string[], clientLine = client, verify: VerifyComparison = 'tolerant') => {
    const answer = request([clientLine])
    for (const line of mirror) answer.headers.add('Security-Verify', line)
    const result = checkSecurityVerify(answer, agreed, { ...OWN, verify })
    return result.ok ? 'same' : `${result.status} ${result.reason}`
  }
  const [first = '', second = ''] = securityServerText.split(', ')
  assert.equal(check([first, second]), 'same')
  assert.equal(check([`${first.toUpperCase().replaceAll(';', ' ; ')},${second}`]), 'same')
  for (const changed of [
    [second, first],
    [first],
    [first.replace('3000000001', '3000000002'), second],
    [first.replace('15100', '15101'), second],
    [first.replace('aes-cbc', 'null'), second],
    [first.replace('q=0.2', 'q=0.3'), second],
  ]) {
    assert.equal(check(changed), '494 security-verify-mismatch')
  }
  assert.equal(check([first, second], client.replace('1262', '1263')), '494 security-client-mismatch')
  const unranked = [first.replace('q=0.2;', ''), second.replace('q=0.1', 'q=0.9')]
  assert.equal(check(unranked), '494 security-verify-mismatch')
  assert.equal(check(unranked, client, 'without-q'), 'same')
  assert.equal(check([second, first], client, 'without-q'), '494 security-verify-mismatch')
  const withDefaults = [first.replace(';prot=esp', ''), second.replace(';ealg=null', '')]
  assert.equal(check(withDefaults), 'same')
  assert.equal(check(withDefaults, client, 'exact'), '494 security-verify-mismatch')
  assert.equal(check([first, second], client, 'exact'), 'same')
  assert.equal(check([first, second], `${client}, sdes-srtp;mediasec`), 'same')
  assert.equal(check([]), '400 security-verify-missing')
  assert.equal(check([';;']), '400 security-verify-missing')
})

test('sec-agree leaves Require and Proxy-Require, other tags stay, and an empty field goes (RFC 3329 section 2.3.1)', () => {
  const { headers } = request([entry('hmac-sha-1-96', 'null')], 'Sec-Agree')
  headers.set('Proxy-Require', 'sec-agree, foo')
  headers.add('Security-Verify', 'x')
  stripSecAgree(headers)
  assert.deepEqual([...headers.entries()], [['Proxy-Require', 'foo']])
})

test('whatever a Security-Client holds, there is a choice or an answer in 4xx (mistakes 3, 28)', () => {
  const piece = fc.constantFrom(
    'ipsec-3gpp',
    ';',
    '=',
    ',',
    'alg',
    'ealg',
    'spi-c',
    'spi-s',
    '"',
    '\\',
    '1',
    ' ',
    'esp',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 30 }), (pieces) => {
      const line = pieces.join('').replace(/[^\t\x20-\x7e]/g, '')
      const reading = readSecurityClient(request([line]), OWN)
      assert.ok(reading.ok || (reading.status >= 400 && reading.status < 500))
    }),
    { seed: 3329, numRuns: 2000 },
  )
})

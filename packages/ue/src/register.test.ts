import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { formatWiresharkSas } from '@rollcall/esp'
import { UdpEncapsulation } from '@rollcall/esp-net'
import { formatIpsecOffer, parseAuth, parseIpsecOffers, parseSecurityMechanisms } from '@rollcall/sip'
import { registerWithWrongRes } from './adversary.ts'
import {
  MalformedAnswerError,
  NetworkAuthenticationError,
  NoAnswerError,
  RegistrationRefusedError,
  SecurityAgreementFailedError,
  UeAddressError,
} from './errors.ts'
import { memoryIsimStore } from './isim-store.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { FAKE_SERVICE_ROUTE } from './testing/fake-pcscf.ts'
import { ALICE, DOMAIN, OTHER_KEYS, openBench, placeOf, testCredentials, until } from './testing/world.ts'
import { Ue } from './ue.ts'

const PLACE = placeOf(1)

test('registers by AKA: SM1 unprotected, SM7 and the 200 in the new SAs (TS 33.203 clause 6, TS 33.203 clause 7.2, TS 24.229 clause 5.1, TS 24.229 clause 5.1.1.2.2)', async () => {
  await using bench = await openBench(PLACE)
  const registration = await bench.ue.register()
  // P-Associated-URI (RFC 3455 section 4.1).
  assert.deepEqual(registration.associatedUris, [ALICE, 'tel:+15550100'])
  assert.deepEqual(registration.serviceRoute, [FAKE_SERVICE_ROUTE])
  assert.equal(bench.ue.protection, 'udp-enc-tun aes-cbc hmac-sha-1-96')
  assert.equal(bench.pcscf.unprotectedRequests.length, 1)

  const [sm1, sm7] = bench.pcscf.requests
  assert.ok(sm1 && sm7)
  assert.equal(sm1.uri, `sip:${DOMAIN}`)
  for (const message of [sm1, sm7]) {
    assert.equal(message.headers.get('Require'), 'sec-agree')
    assert.equal(message.headers.get('Proxy-Require'), 'sec-agree')
    assert.equal(message.headers.get('Supported'), 'path')
  }
  const first = parseAuth(sm1.headers.get('Authorization') ?? '').params
  assert.deepEqual([first.get('nonce')?.value, first.get('response')?.value], ['', ''])
  assert.equal(sm1.headers.get('Security-Verify'), undefined)
  assert.match(sm1.headers.get('Contact') ?? '', /@127\.1\.8\.11:15060>/)

  assert.equal(sm7.headers.get('Call-ID'), sm1.headers.get('Call-ID'))
  assert.equal(sm7.headers.get('CSeq'), '2 REGISTER')
  assert.deepEqual(sm7.headers.getAll('Security-Client'), sm1.headers.getAll('Security-Client'))
  assert.match(sm7.headers.get('Security-Verify') ?? '', /^ipsec-3gpp;q=0.9;/)
  const [offer] = parseIpsecOffers(parseSecurityMechanisms(sm7.headers.getAll('Security-Client')))
  assert.match(sm7.headers.get('Contact') ?? '', new RegExp(`@127\\.1\\.8\\.11:${offer?.portS}>`))
  assert.match(sm7.headers.get('Via') ?? '', new RegExp(`127\\.1\\.8\\.11:${offer?.portS};`))
})

test('offers each suite with the same SPIs and ports, without q, SPIs of ten digits (TS 33.203 annex H)', async () => {
  const suites = [
    { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
    { alg: 'hmac-sha-1-96', ealg: 'null' },
  ] as const
  await using bench = await openBench(PLACE, { settings: { suites } })
  await bench.ue.register()
  const values = bench.pcscf.requests[0]?.headers.getAll('Security-Client') ?? []
  const offers = parseIpsecOffers(parseSecurityMechanisms(values))
  assert.deepEqual(
    offers.map(({ alg, ealg, mod, q }) => [alg, ealg, mod, q]),
    suites.map(({ alg, ealg }) => [alg, ealg, 'UDP-enc-tun', undefined]),
  )
  assert.equal(new Set(offers.map(({ spiC, spiS, portC, portS }) => `${spiC} ${spiS} ${portC} ${portS}`)).size, 1)
  assert.match(values[0] ?? '', /spi-c=[1-9]\d{9};spi-s=[1-9]\d{9}/)
})

test('a re-registration has new SPIs and a new client port, the same server port, and new SAs (TS 24.229 clause 5.1.1.4.2)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const before = bench.ue.saSets.at(-1)
  await bench.ue.reregister()
  const after = bench.ue.saSets.at(-1)
  assert.ok(before && after)
  assert.notEqual(after.local.portC, before.local.portC)
  assert.equal(after.local.portS, before.local.portS)
  assert.equal(new Set([after, before].flatMap(({ local }) => [local.spiC, local.spiS])).size, 4)
  assert.deepEqual(
    bench.ue.saSets.map(({ state }) => state),
    ['old', 'established'],
  )
  const [, sm7, again] = bench.pcscf.requestsOf('REGISTER')
  // Within a Call-ID the CSeq only grows (RFC 3261 section 10.2).
  assert.equal(again?.headers.get('Call-ID'), sm7?.headers.get('Call-ID'))
  assert.equal(again?.headers.get('CSeq'), '3 REGISTER')
  assert.equal(bench.pcscf.unprotectedRequests.length, 1, 'only the very first REGISTER is unprotected')
  assert.deepEqual(again?.headers.getAll('Security-Verify'), sm7?.headers.getAll('Security-Verify'))
  assert.equal(again?.headers.get('Authorization'), sm7?.headers.get('Authorization'), 'the last answer is repeated')
  assert.equal(bench.pcscf.requests.at(-1)?.method, 'OPTIONS', 'and the UE says something in the new set')
})

test('the old set ends 64*T1 after the new one is established', async () => {
  await using bench = await openBench(PLACE, { settings: { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 40 } } })
  await bench.ue.register()
  await bench.ue.reregister()
  await until(() => bench.ue.saSets.length === 1)
  assert.equal(bench.ue.saSets[0]?.state, 'established')
  await bench.ue.checkAlive()
})

test('P-Access-Network-Info goes out inside of the SAs alone (TS 24.229 clause 7.2A.4)', async () => {
  const accessNetworkInfo = '3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=001010001000001'
  await using bench = await openBench(PLACE, { settings: { accessNetworkInfo } })
  await bench.ue.register()
  await bench.ue.checkAlive()
  const values = bench.pcscf.requests.map(({ headers }) => headers.get('P-Access-Network-Info'))
  assert.deepEqual(values, [undefined, accessNetworkInfo, accessNetworkInfo])
})

test('behind a NAT the protected messages carry the public address, inside and outside of SIP (TS 24.229 annex F.2.1)', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.publicAddress = PLACE.attacker
  const { contact } = await bench.ue.register()
  assert.match(contact, new RegExp(`^<sip:ue@${PLACE.attacker.replaceAll('.', '\\.')}:\\d+>$`))
  const [sm1, sm7] = bench.pcscf.requests
  assert.match(sm1?.headers.get('Contact') ?? '', new RegExp(`@${PLACE.ue}:15060>`))
  assert.match(sm7?.headers.get('Via') ?? '', new RegExp(` ${PLACE.attacker}:`))
  await bench.ue.checkAlive()
})

test('a re-registration that is not challenged keeps its SAs', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const [before] = bench.ue.saSets
  bench.pcscf.twists.answer = () => ({ status: 200, headers: [['P-Associated-URI', `<${ALICE}>`]] })
  await bench.ue.reregister()
  assert.deepEqual(
    bench.ue.saSets.map(({ id }) => id),
    [before?.id],
  )
  assert.equal(bench.pcscf.requestsOf('OPTIONS').length, 0)
})

test('de-registers over the SAs and lets them go (TS 24.229 clause 5.1.1.6)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  await bench.ue.deregister()
  assert.equal(bench.pcscf.requests.at(-1)?.headers.get('Expires'), '0')
  assert.equal(bench.ue.registration, undefined)
  assert.deepEqual(bench.ue.saSets, [])
})

test('the SQN is kept before the answer leaves, and an old challenge is answered with AUTS (TS 33.102 clause 6.3.3)', async () => {
  const isimStore = memoryIsimStore()
  await using bench = await openBench(PLACE, { isimStore })
  bench.pcscf.twists.sqn = 3200n
  await bench.ue.register()
  assert.equal((await isimStore.load()).sqnArray[0], 101n)
  await bench.ue.deregister()
  bench.pcscf.twists.sqn = 64n
  await bench.ue.register()
  const complaint = bench.pcscf
    .requestsOf('REGISTER')
    .find(({ headers }) => /auts=/.test(headers.get('Authorization') ?? ''))
  assert.ok(complaint, 'resynchronised')
  assert.equal(complaint.headers.get('Security-Verify'), undefined)
})

test('a network that does not know K is refused after two challenges, without AUTS (TS 24.229 clause 5.1.1.5.3)', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.keys = OTHER_KEYS
  await assert.rejects(bench.ue.register(), (error: unknown) => {
    assert.ok(error instanceof NetworkAuthenticationError)
    return error.fault === 'mac'
  })
  const registers = bench.pcscf.requestsOf('REGISTER')
  assert.equal(registers.length, 3)
  for (const { headers } of registers.slice(1)) {
    assert.match(headers.get('Authorization') ?? '', /response=""/)
    assert.doesNotMatch(headers.get('Authorization') ?? '', /auts/)
  }
  assert.equal(new Set(registers.flatMap(({ headers }) => headers.getAll('Security-Client'))).size, 3)
  assert.deepEqual(bench.ue.saSets, [])
})

test('answers AKAv2-MD5 as AKAv1-MD5, whichever the network asks for (RFC 3310 section 3.3, RFC 4169 section 3)', async () => {
  for (const algorithm of ['AKAv1-MD5', 'AKAv2-MD5'] as const) {
    await using bench = await openBench(PLACE)
    bench.pcscf.twists.algorithm = algorithm
    await bench.ue.register()
    const answer = bench.pcscf.requestsOf('REGISTER').at(-1)
    assert.match(answer?.headers.get('Authorization') ?? '', new RegExp(`algorithm=${algorithm}`))
  }
})

test('takes the first challenge that it knows, and none of an algorithm that it does not know (RFC 3261 section 22.3)', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.challenge = (headers) => [
    ['WWW-Authenticate', 'Digest realm="x",nonce="bm9uY2U=",algorithm=AKAv2-SHA-256,qop="auth"'],
    ...headers,
  ]
  await bench.ue.register()
  bench.pcscf.twists.challenge = (headers) =>
    headers.map(([name, value]) => [name, value.replace('AKAv1-MD5', 'AKAv2-SHA-256')])
  await assert.rejects(bench.ue.register(), MalformedAnswerError)
})

test('a challenge that shows CK and IK is not answered (TS 33.203 clause 6.1.1)', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.challenge = (headers) =>
    headers.map(([name, value]) => [name, name === 'WWW-Authenticate' ? `${value},ck="00",ik="00"` : value])
  await assert.rejects(bench.ue.register(), SecurityAgreementFailedError)
  assert.equal(bench.pcscf.requests.length, 1)
})

test('a 401 without Security-Server, or without one that we offered, is not answered (TS 33.203 clause 7.3.2.2)', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.challenge = (headers) => headers.filter(([name]) => name !== 'Security-Server')
  await assert.rejects(bench.ue.register(), SecurityAgreementFailedError)
  assert.equal(bench.pcscf.requests.length, 2)
  bench.pcscf.twists.challenge = (headers) =>
    headers.map(([name, value]) => [name, name === 'Security-Server' ? value.replace('aes-cbc', 'null') : value])
  await assert.rejects(bench.ue.register(), SecurityAgreementFailedError)
  assert.equal(bench.pcscf.requests.length, 3, 'what is whole and not acceptable is not asked for again')
})

test('a Security-Server that is missing or incomplete is abandoned: the UE begins anew with a new Call-ID (TS 24.229 clause 5.1.1.5.1)', async () => {
  for (const spoil of [() => undefined, (value: string) => value.replace(/;spi-s=\d+/, '')]) {
    await using bench = await openBench(PLACE)
    let count = 0
    bench.pcscf.twists.challenge = (headers) => {
      if (++count > 1) return headers
      return headers.flatMap(([name, value]): [string, string][] => {
        const kept = name === 'Security-Server' ? spoil(value) : value
        return kept === undefined ? [] : [[name, kept]]
      })
    }
    await bench.ue.register()
    const registers = bench.pcscf.requestsOf('REGISTER')
    const callIds = registers.map(({ headers }) => headers.get('Call-ID'))
    assert.equal(callIds.length, 3)
    assert.notEqual(callIds[0], callIds[1])
    assert.equal(callIds[1], callIds[2])
    assert.equal(registers[1]?.headers.get('CSeq'), '1 REGISTER')
  }
})

test('two SQNs out of range in a row, with AUTS each time, and the UE stops (TS 24.229 clause 5.1.1.5.3)', async () => {
  const isimStore = memoryIsimStore()
  await using bench = await openBench(PLACE, { isimStore })
  await isimStore.save({ sqnArray: new Array<bigint>(32).fill(5_000n) })
  // A network that takes no AUTS: it goes on as if nothing had been said.
  bench.pcscf.twists.answer = () => {
    bench.pcscf.twists.sqn = 32n
    return undefined
  }
  bench.pcscf.twists.takesAuts = false
  await assert.rejects(bench.ue.register(), (error: unknown) => {
    assert.ok(error instanceof NetworkAuthenticationError)
    return error.fault === 'sqn'
  })
  const registers = bench.pcscf.requestsOf('REGISTER')
  assert.equal(registers.length, 3)
  for (const { headers } of registers.slice(1)) assert.match(headers.get('Authorization') ?? '', /auts="/)
  assert.equal(new Set(registers.map(({ headers }) => headers.get('Call-ID'))).size, 1)
  assert.deepEqual((await isimStore.load()).sqnArray, new Array<bigint>(32).fill(5_000n))
})

test('SAs that come to the end of their sequence numbers are renewed while they last (RFC 4303 section 3.3.3)', async () => {
  let isDue = (): void => {}
  await using bench = await openBench(PLACE, {
    settings: { refreshes: true },
    bindBackEnd: (options) => {
      isDue = () => options.onRenewalDue?.('the set in use')
      return UdpEncapsulation.bind(options)
    },
  })
  await bench.ue.register()
  const [before] = bench.ue.saSets
  isDue()
  await until(() => bench.ue.saSets.length === 2)
  assert.equal(bench.pcscf.unprotectedRequests.length, 1, 'over the very SAs that run out')
  await until(() => bench.ue.saSets.some(({ id, state }) => id !== before?.id && state === 'established'))
})

test('offers all six pairs of the field in its own order, and registers with each pair that is switched on (TS 33.203 clause 7.2, annex H)', async () => {
  const six = (['hmac-sha-1-96', 'hmac-md5-96'] as const).flatMap((alg) =>
    (['aes-cbc', 'des-ede3-cbc', 'null'] as const).map((ealg) => ({ alg, ealg })),
  )
  const counters = [
    { alg: 'null', ealg: 'aes-gcm' },
    { alg: 'aes-gmac', ealg: 'null' },
  ] as const
  assert.deepEqual(DEFAULT_SETTINGS.suites, [{ alg: 'hmac-sha-1-96', ealg: 'aes-cbc' }])
  for (const first of [...six, ...counters]) {
    const suites = [first, ...six.filter((suite) => suite !== first)]
    await using bench = await openBench(PLACE, { settings: { suites } })
    await bench.ue.register()
    const values = bench.pcscf.requests[0]?.headers.getAll('Security-Client') ?? []
    const offered = parseIpsecOffers(parseSecurityMechanisms(values)).map(({ alg, ealg }) => ({ alg, ealg }))
    assert.deepEqual(offered, suites)
    assert.equal(bench.ue.protection, `udp-enc-tun ${first.ealg} ${first.alg}`)
    await bench.ue.checkAlive()
  }
})

test('of Security-Server the entry with the highest q that we offered is taken (TS 33.203 clause 7.2)', async () => {
  const suites = [
    { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
    { alg: 'hmac-sha-1-96', ealg: 'null' },
  ] as const
  await using bench = await openBench(PLACE, { settings: { suites } })
  bench.pcscf.twists.challenge = (headers) =>
    headers.map(([name, value]) => {
      if (name !== 'Security-Server') return [name, value]
      const [offer] = parseIpsecOffers(parseSecurityMechanisms([value]))
      assert.ok(offer)
      const list = [
        { ...offer, q: 0.1, ealg: 'null' },
        { ...offer, q: 0.9, ealg: 'aes-gcm', alg: 'null' },
        { ...offer, q: 0.5 },
      ]
      return [name, list.map(formatIpsecOffer).join(', ')]
    })
  await bench.ue.register()
  assert.equal(bench.ue.saSets[0]?.ealg, 'aes-cbc')
})

test('a network that registers us without a challenge is not believed', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.answer = () => ({ status: 200 })
  await assert.rejects(bench.ue.register(), SecurityAgreementFailedError)
  assert.equal(bench.ue.registration, undefined)
})

test('a 401 without an AKA challenge is a malformed answer', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.answer = () => ({ status: 401, headers: [['WWW-Authenticate', 'Digest realm="x",nonce="y"']] })
  await assert.rejects(bench.ue.register(), MalformedAnswerError)
})

test('a refusal of SM7 is told with its status, and its temporary set goes', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.answer = (_, isProtected) => (isProtected ? { status: 403 } : undefined)
  await assert.rejects(bench.ue.register(), (error: unknown) => {
    assert.ok(error instanceof RegistrationRefusedError)
    return error.status === 403
  })
  assert.deepEqual(bench.ue.saSets, [])
})

test('an interval that is too brief is asked for again as long as the registrar wants (RFC 3261 section 10.2.8)', async () => {
  await using bench = await openBench(PLACE, { settings: { registrationSeconds: 10 } })
  let refusals = 0
  bench.pcscf.twists.answer = (request) =>
    Number(request.headers.get('Expires')) < 60 && ++refusals
      ? { status: 423, headers: [['Min-Expires', '60']] }
      : undefined
  await bench.ue.register()
  assert.equal(refusals, 1)
})

test('503 is told with its Retry-After', async () => {
  await using bench = await openBench(PLACE)
  bench.pcscf.twists.answer = () => ({ status: 503, headers: [['Retry-After', '7']] })
  await assert.rejects(bench.ue.register(), { code: 'UE_REGISTRATION_REFUSED', status: 503, retryAfterSeconds: 7 })
})

test('a dead P-CSCF is told after Timer F (RFC 3261 section 17.1.2.2)', async () => {
  await using bench = await openBench(PLACE, { settings: { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 40 } } })
  bench.pcscf.isSilent = true
  await assert.rejects(bench.ue.register(), NoAnswerError)
})

test('a wrong RES goes through the SAs and is refused; what was registered before stays (TS 33.203 clause 7.3.1.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const [before] = bench.ue.saSets
  assert.deepEqual(await registerWithWrongRes(bench.ue), { status: 403, reason: 'Forbidden' })
  assert.deepEqual(
    bench.ue.saSets.map(({ id, state }) => [id, state]),
    [[before?.id, 'established']],
  )
  await bench.ue.reregister()
})

test('the answer to a protected REGISTER is not taken unprotected when it grants (TS 33.203 clause 7.1)', async () => {
  await using bench = await openBench(PLACE, { settings: { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 40 } } })
  await bench.ue.register()
  bench.pcscf.twists.answer = () => ({ status: 200, isUnprotected: true })
  await assert.rejects(bench.ue.reregister(), NoAnswerError)
  assert.ok((bench.ue.drops.get('unprotected-response') ?? 0) > 0)
})

test('keys are written for Wireshark only when asked, for their owner alone, before they are used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ue-'))
  try {
    const keyLogFile = join(folder, 'keys.log')
    await using bench = await openBench(PLACE, { keyLogFile })
    await bench.ue.register()
    const lines = (await readFile(keyLogFile, 'utf8')).trim().split('\n')
    const [set] = bench.pcscf.sets
    assert.ok(set)
    assert.deepEqual(lines.toSorted(), formatWiresharkSas(set).toSorted())
    assert.equal((await stat(keyLogFile)).mode & 0o777, 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a second UE at the same address is refused with a reason', async () => {
  await using bench = await openBench(PLACE)
  assert.equal(bench.ue.registration, undefined)
  await assert.rejects(
    Ue.open({ credentials: testCredentials(PLACE), isimStore: memoryIsimStore() }),
    (error: unknown) => error instanceof UeAddressError && error.port === 15_060,
  )
})

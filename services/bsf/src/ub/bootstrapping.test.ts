import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { answerChallenge, decodeNonce, encodeNonce, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { readBootstrappingInfo, tmpiOf } from '@rollcall/gba'
import { parseDigestChallenge } from '@rollcall/sip'
import { BSF, BsfBench, challengeIn, headerOf, IMPI, KEYS, OTHER_IMPI, terminal } from '../testing/fixtures.ts'
import { rspauthIn } from '../testing/ub-terminal.ts'

/** Bootstraps, and gives what came out. */
async function bootstrapped(bench: BsfBench, o: Parameters<BsfBench['send']>[1] = {}, ue = terminal()) {
  const answer = ue.answer(await bench.challenge(ue, o))
  const said = await bench.send(answer.authorization, o)
  assert.equal(said.status, 200)
  const body = Buffer.from(said.body ?? '')
  return { said, answer, body, info: readBootstrappingInfo(body) }
}

const refusals = (bench: BsfBench): string[] => bench.counted.filter((text) => text.startsWith('refused'))

test('a UE that names itself is challenged by AKA, with auth-int (TS 24.109 clause 4.2)', async () => {
  const bench = new BsfBench()
  const said = await bench.send(terminal().first(BSF))
  const challenge = parseDigestChallenge(challengeIn(said))
  assert.deepEqual([challenge.realm, challenge.algorithm, challenge.qop], [BSF, 'AKAv1-MD5', ['auth-int']])
  assert.equal(Buffer.from(challenge.nonce, 'base64').length, 32)
  assert.equal(challenge.isStale, false)
  assert.equal(headerOf(said, 'Cache-Control'), 'no-store')
})

test('the right answer gives a key, and a BSF that proves that it knows RES (TS 33.220 clause 4.5.2, TS 24.109 clause 4.2)', async () => {
  const bench = new BsfBench()
  const { said, answer, body, info } = await bootstrapped(bench)
  assert.equal(info.btid, `${answer.rand.toString('base64')}@${BSF}`)
  assert.equal(info.lifetimeMs, bench.clock.now() + 3_600_000)
  assert.equal(info.currentTimeMs, bench.clock.now())
  assert.equal(rspauthIn(headerOf(said, 'Authentication-Info')), answer.rspauthOf(body))
  assert.equal(headerOf(said, 'Content-Type'), 'application/vnd.3gpp.bsf+xml')
  assert.equal(Date.parse(headerOf(said, 'Expires')), info.lifetimeMs)
  const kept = await bench.context.records().contexts.get(info.btid)
  assert.ok(new Secret(kept?.record.ks ?? Buffer.alloc(0)).equals(answer.ks))
  assert.deepEqual([kept?.record.impi, kept?.record.guss?.uss.length], [IMPI, 2])
  assert.deepEqual(
    bench.audited.map(({ event, outcome, reason }) => [event, outcome, reason]),
    [['auth.success', 'allowed', 'bootstrapped']],
  )
})

test('an answer to the challenge of another replica is taken (TS 33.220 clause 4.5.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue))
  assert.equal((await bench.send(authorization, { at: bench.replica() })).status, 200)
})

test('the lifetime is the user’s own when the settings say one (TS 33.220 clause 4.4.6)', async () => {
  const bench = new BsfBench()
  bench.hss.guss = { lifetimeSeconds: 120, uss: [] }
  const { info } = await bootstrapped(bench)
  assert.equal(info.lifetimeMs, bench.clock.now() + 120_000)
})

test('a wrong answer gets another challenge, and after some of them none (TS 24.109 clause 4.3)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const wrong = { res: new Secret(Buffer.alloc(8)) }
  let challenge = await bench.challenge(ue)
  for (let count = 0; count < 3; count++) {
    const answer = ue.answer(challenge, wrong)
    challenge = challengeIn(await bench.send(answer.authorization))
  }
  assert.equal((await bench.send(ue.answer(challenge, wrong).authorization)).status, 403)
  assert.equal((await bench.send(ue.first(BSF))).status, 403)
  assert.equal(bench.hss.asked.length, 4)
  // Not for somebody else, nor for the user from elsewhere: nobody is locked out.
  await bench.challenge(terminal(OTHER_IMPI))
  await bootstrapped(bench, { from: '192.0.2.9' }, ue)
  bench.clock.advance(60_000)
  await bench.challenge(ue)
  assert.deepEqual(
    new Set(bench.audited.map(({ reason }) => reason)),
    new Set(['wrong-answer', 'wrong-answers', 'bootstrapped']),
  )
})

test('a challenge bears one try: the right answer after a wrong one gets another challenge (RFC 3310 section 6)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const challenge = await bench.challenge(ue)
  const state = ue.state
  const wrong = ue.answer(challenge, { res: new Secret(Buffer.alloc(8)) })
  ue.state = state
  const right = ue.answer(challenge)
  challengeIn(await bench.send(wrong.authorization))
  challengeIn(await bench.send(right.authorization))
  assert.equal(bench.contexts.entries.size, 0)
})

test('a vector is used once: the same answer again gets another challenge (RFC 3310 section 6)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue))
  assert.equal((await bench.send(authorization)).status, 200)
  challengeIn(await bench.send(authorization, { at: bench.replica() }))
  assert.equal(bench.contexts.entries.size, 1)
  bench.hss.guss = { lifetimeSeconds: 1, uss: [] }
  const short = ue.answer(await bench.challenge(ue))
  assert.equal((await bench.send(short.authorization)).status, 200)
  bench.clock.advance(2_000)
  challengeIn(await bench.send(short.authorization))
  assert.deepEqual(refusals(bench), ['refused ub replayed', 'refused ub replayed'])
})

test('of the same answer at two replicas at once one gets a key (RFC 3310 section 6)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue))
  const said = await Promise.all([bench.send(authorization), bench.send(authorization, { at: bench.replica() })])
  assert.deepEqual(said.map(({ status }) => status).sort(), [200, 401])
})

test('the answer of one user to the challenge of another gives nothing (TS 33.220 clause 4.5.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue), { username: OTHER_IMPI })
  challengeIn(await bench.send(authorization))
  assert.equal(bench.contexts.entries.size, 0)
  assert.deepEqual(refusals(bench), [])
})

test('an answer covers method, uri, realm and body (RFC 3310 section 3.3)', async () => {
  for (const o of [{ method: 'POST' }, { realm: 'other' }, { body: Buffer.from('x') }]) {
    const bench = new BsfBench()
    const ue = terminal()
    challengeIn(await bench.send(ue.answer(await bench.challenge(ue), o).authorization))
    assert.deepEqual(refusals(bench), ['refused ub wrong-answer'], inspect(o))
  }
  const bench = new BsfBench()
  const ue = terminal()
  const body = Buffer.from('x')
  const { authorization } = ue.answer(await bench.challenge(ue), { body })
  assert.equal((await bench.send(authorization, { body })).status, 200)
})

test('what asks for less than the profile, or cannot be read, is 400 and costs nothing (TS 24.109 clause 4.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const challenge = await bench.challenge(ue)
  const asked = bench.hss.asked.length
  const state = ue.state
  const answer = (o: Parameters<typeof ue.answer>[1]): string => {
    ue.state = state
    return ue.answer(challenge, o).authorization
  }
  const bad = [
    undefined,
    '',
    'Basic YTpi',
    'Digest',
    'Digest username="no impi", realm="x", nonce=""',
    `Digest realm="${BSF}", nonce=""`,
    answer({ qop: 'auth' }),
    answer({ uri: '/other' }),
    answer({ nc: '1' }),
    answer({ cnonce: '' }),
    answer({ algorithm: 'MD5' }),
    answer({ algorithm: 'AKAv2-MD5' }),
    answer({}).replace(/response="[0-9a-f]+"/, 'response="zz"'),
    answer({}).replace(/,qop=auth-int/, ''),
    ue.first(BSF).replace('nonce=""', 'nonce="x", auts="short"'),
  ]
  for (const authorization of bad) assert.equal((await bench.send(authorization)).status, 400, String(authorization))
  assert.equal(bench.hss.asked.length, asked)
  assert.equal((await bench.send(answer({}))).status, 200)
})

test('there is one resource and one method (TS 24.109 clause 4.2)', async () => {
  const bench = new BsfBench()
  const authorization = terminal().first(BSF)
  assert.equal((await bench.send(authorization, { target: '/other' })).status, 404)
  const said = await bench.send(authorization, { method: 'POST' })
  assert.deepEqual([said.status, headerOf(said, 'Allow')], [405, 'GET'])
  assert.equal(bench.hss.asked.length, 0)
})

test('an unknown user is 403, and audited (TS 29.109 clause 6.2)', async () => {
  const bench = new BsfBench()
  const said = await bench.send(terminal('nobody@example.org').first(BSF))
  assert.deepEqual([said.status, said.headers?.['WWW-Authenticate']], [403, undefined])
  assert.deepEqual(
    bench.audited.map(({ reason }) => reason),
    ['identity-unknown'],
  )
})

test('AUTS brings the network in step, and each challenge bears one (TS 24.109 clause 4.5, RFC 3310 section 3.4)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  ue.state = { sqnArray: ue.state.sqnArray.map(() => 1_000_000n) }
  const resync = ue.resync(await bench.challenge(ue))
  const fresh = challengeIn(await bench.send(resync))
  challengeIn(await bench.send(resync))
  assert.equal((await bench.send(ue.answer(fresh).authorization)).status, 200)
  assert.deepEqual(
    bench.counted.filter((text) => text.startsWith('challenges')),
    ['challenges first', 'challenges resynchronised', 'challenges unknown-nonce'],
  )
})

test('a UE that never gets in step is refused (TS 24.109 clause 4.5)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  let challenge = await bench.challenge(ue)
  let status = 401
  for (let count = 0; status === 401; count++) {
    assert.ok(count < 4)
    ue.state = { sqnArray: ue.state.sqnArray.map(() => BigInt(2 ** 30 * (count + 1))) }
    const said = await bench.send(ue.resync(challenge))
    ;({ status } = said)
    if (status === 401) challenge = challengeIn(said)
  }
  assert.equal(status, 403)
  assert.deepEqual(refusals(bench), ['refused ub resynchronisations'])
})

test('a challenge has its time, and a nonce of nobody gets a new one (RFC 3310 section 3.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue))
  bench.clock.advance(30_000)
  const challenge = challengeIn(await bench.send(authorization))
  assert.equal((await bench.send(ue.answer(challenge).authorization)).status, 200)
  challengeIn(await bench.send(authorization.replace(/nonce="[^"]+"/, 'nonce="AAAA"')))
})

test('a source makes so many requests, and then has to wait (TS 33.220 clause 4.5.2)', async () => {
  const bench = new BsfBench()
  const send = (from: string) => bench.send(terminal(IMPI).first(BSF), { from })
  // The user's wide limit does not count its home.
  await bootstrapped(bench, { from: '192.0.2.1' })
  for (let count = 0; count < 18; count++) assert.equal((await send('192.0.2.1')).status, 401)
  const said = await send('192.0.2.1')
  assert.deepEqual([said.status, headerOf(said, 'Retry-After')], [503, '5'])
  for (let count = 0; count < 9; count++) assert.equal((await send(`192.0.2.${count + 10}`)).status, 401)
  assert.equal((await send('192.0.2.30')).status, 503)
  bench.clock.advance(500)
  assert.equal((await send('192.0.2.1')).status, 401)
  assert.deepEqual(refusals(bench), ['refused ub source-rate', 'refused ub user-rate'])
})

test('who plays a right answer again from elsewhere takes no home: the user is served there when others use up his limit (TS 33.220 clause 4.5.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue, { from: '192.0.2.1' }))
  assert.equal((await bench.send(authorization, { from: '192.0.2.1' })).status, 200)
  assert.equal((await bench.send(authorization, { from: '192.0.2.66' })).status, 401)
  const ask = async (from: string) => (await bench.send(ue.first(BSF), { from })).status
  let strangers = 0
  while ((await ask(`192.0.2.${100 + strangers}`)) === 401) strangers += 1
  assert.ok(strangers < 20)
  assert.deepEqual([await ask('192.0.2.66'), await ask('192.0.2.1')], [503, 401])
  assert.deepEqual(refusals(bench), ['refused ub replayed', 'refused ub user-rate', 'refused ub user-rate'])
})

test('a UE that can is known by a TMPI the next time (TS 33.220 annex B.4)', async () => {
  const bench = new BsfBench()
  const agent = 'phone/1.0 3GPP-gba-tmpi'
  const { said, answer } = await bootstrapped(bench, { agent })
  assert.match(headerOf(said, 'Server'), /3gpp-gba-tmpi/)
  const tmpi = tmpiOf({ ks: answer.ks, rand: answer.rand, impi: IMPI, bsfName: BSF })
  const ue = terminal()
  const challenge = challengeIn(await bench.send(ue.first(BSF, tmpi)))
  const again = await bench.send(ue.answer(challenge, { username: tmpi }).authorization)
  assert.equal(again.status, 200)
  const kept = await bench.context.records().contexts.get(readBootstrappingInfo(Buffer.from(again.body ?? '')).btid)
  assert.equal(kept?.record.impi, IMPI)
})

test('a TMPI of nobody is 403; without the token, or by setting, there is none (TS 33.220 annex B.4)', async () => {
  const bench = new BsfBench()
  const { answer } = await bootstrapped(bench, { agent: 'phone not-3gpp-gba-tmpi' })
  const tmpi = tmpiOf({ ks: answer.ks, rand: answer.rand, impi: IMPI, bsfName: BSF })
  assert.equal((await bench.send(terminal().first(BSF, tmpi))).status, 403)
  const without = new BsfBench({ givesTmpi: false })
  const { said } = await bootstrapped(without, { agent: '3gpp-gba-tmpi' })
  assert.equal(said.headers?.Server, undefined)
  assert.equal(without.contexts.entries.size, 1)
  const known = new BsfBench()
  const first = await bootstrapped(known, { agent: '3gpp-gba-tmpi' })
  const ended = tmpiOf({ ks: first.answer.ks, rand: first.answer.rand, impi: IMPI, bsfName: BSF })
  known.clock.advance(3_600_000)
  assert.equal((await known.send(terminal().first(BSF, ended))).status, 403)
})

test('while the store or the HSS is away a UE is told to come later, and never 200 (TS 24.109 clause 4.3)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { authorization } = ue.answer(await bench.challenge(ue))
  bench.contexts.isAway = true
  const said = await bench.send(authorization)
  assert.deepEqual([said.status, headerOf(said, 'Retry-After')], [503, '5'])
  bench.contexts.isAway = false
  assert.equal((await bench.send(authorization)).status, 200)
  bench.hss.isAway = true
  assert.equal((await bench.send(ue.first(BSF))).status, 503)
  assert.deepEqual(refusals(bench), ['refused ub store-unavailable', 'refused ub hss-unavailable'])
})

test('neither vectors nor keys nor names lie open in the store (TS 33.220 clause 4.4.11; readings.md, Ut 4)', async () => {
  const bench = new BsfBench()
  const { answer, info } = await bootstrapped(bench, { agent: '3gpp-gba-tmpi' })
  const ue = terminal()
  await bench.challenge(ue)
  const ks = answer.ks.reveal()
  const told = [ks, ks.subarray(0, 16), ks.subarray(16), answer.rand, Buffer.from(IMPI), Buffer.from(info.btid)]
  const kept = [...bench.challenges.entries, ...bench.contexts.entries]
  assert.equal(kept.length, 4)
  for (const [key, { value }] of kept) {
    for (const octets of told) {
      assert.ok(!value.includes(octets))
      assert.ok(!key.includes(octets.toString('latin1')) && !key.includes(octets.toString('hex')))
    }
  }
})

test('a UE that asks for GBA_Digest is refused, also when it names AKA in its answer (TS 24.109 annex I.2, TS 33.220 annex M)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  for (const agent of ['GBA_Digest', 'Phone/1.0 gba_digest', 'Phone (GBA_Digest; x)', 'GBA_Digest/2 3gpp-gba-tmpi']) {
    assert.equal((await bench.send(ue.first(BSF), { agent })).status, 403, agent)
  }
  const challenged = await bench.challenge(ue)
  assert.equal((await bench.send(ue.answer(challenged).authorization, { agent: 'GBA_Digest' })).status, 403)
  assert.equal(bench.hss.asked.length, 1, 'nothing was asked for it')
  assert.equal(bench.contexts.entries.size, 0)
  assert.equal(bench.counted.filter((line) => line === 'refused ub gba-digest').length, 5)
  for (const agent of ['Phone/1.0', 'my-GBA_Digest-x'])
    assert.equal((await bench.send(ue.first(BSF), { agent })).status, 401)
})

test('an answer by another algorithm than AKAv1-MD5 is 400: no password, no SIM gets a key (TS 33.220 annex I, TS 33.220 annex M)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  for (const algorithm of ['MD5', 'SHA-256', 'AKAv2-MD5', 'MD5-sess']) {
    const { authorization } = ue.answer(await bench.challenge(ue), { algorithm })
    assert.equal((await bench.send(authorization)).status, 400, algorithm)
  }
  assert.equal(bench.contexts.entries.size, 0)
})

test('a challenge has an AUTN that the ISIM believes: never that of a SIM, nor that of GBA_U (TS 33.220 annex I, TS 33.220 clause 5.3.2, TS 24.109 annex H.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  const { rand, autn } = decodeNonce(parseDigestChallenge(await bench.challenge(ue)).nonce)
  // 2G GBA says zeros there, and GBA_U another MAC, which answerChallenge would refuse.
  assert.ok(!autn.equals(Buffer.alloc(16)))
  assert.equal(answerChallenge(KEYS, { rand, autn, state: newIsimState() }).kind, 'success')
  const forged = encodeNonce(rand, Buffer.alloc(16))
  const { authorization } = ue.answer(await bench.challenge(ue), { nonce: forged })
  assert.equal((await bench.send(authorization)).status, 401)
  assert.equal(bench.contexts.entries.size, 0)
})

test('a user who has bootstrapped too many keys is told to come later, and costs the HSS nothing (TS 33.220 clause 4.5.2)', async () => {
  const bench = new BsfBench()
  const ue = terminal()
  let keys = 0
  let status = 0
  while (status !== 503 && keys < 100) {
    const { status: said, headers } = await bench.send(ue.first(BSF))
    status = said
    if (status === 503) assert.equal(headers?.['Retry-After'], '5')
    else {
      const answered = await bench.send(ue.answer(challengeIn({ status: said, headers: headers ?? {} })).authorization)
      assert.equal(answered.status, 200)
      keys += 1
      bench.clock.advance(1_000)
    }
  }
  assert.equal(keys, 8)
  assert.equal(bench.hss.asked.length, 8)
  assert.equal(bench.counted.at(-1), 'refused ub user-contexts')
  assert.equal((await bench.send(terminal(OTHER_IMPI).first(BSF))).status, 401, 'another user goes on')
})

test('requests beyond those that may wait are told to come later, while the HSS is slow (TS 24.109 clause 4.2)', async () => {
  const bench = new BsfBench()
  const waiting: (() => void)[] = []
  const slow = {
    multimediaAuth: async (impi: string) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return bench.hss.multimediaAuth(impi)
    },
  }
  const at = { ...bench.context, zh: slow }
  const sent = Array.from({ length: 6 }, () => bench.send(terminal().first(BSF), { at }))
  const early = await Promise.race(sent.map(async (one, n) => ({ n, status: (await one).status })))
  assert.equal(early.status, 503)
  for (const go of waiting) go()
  const statuses = (await Promise.all(sent)).map(({ status }) => status)
  assert.deepEqual(statuses, [401, 401, 401, 401, 503, 503])
  assert.equal(bench.counted.filter((line) => line === 'refused ub busy').length, 2)
  assert.equal((await bench.send(terminal().first(BSF), { at: bench.context })).status, 401, 'and then all is well')
})

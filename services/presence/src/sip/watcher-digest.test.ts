import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import type { DigestAlgorithm } from '@rollcall/digest'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import { identityOf } from '../actor/subscribe.ts'
import { FrontStage, REALM } from '../testing/front-stage.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, MALLORY } from '../testing/inputs.ts'
import { authorization, PlayedPasswords, type ReadChallenge, readChallenge } from '../testing/played-passwords.ts'
import { again, resubscribeRequest, subscribeRequest } from '../testing/requests.ts'
import { settled } from '../testing/stage.ts'

const ANONYMOUS = parseImpu('sip:anonymous@anonymous.invalid')
const CAROLS = { username: `carol@${REALM}`, password: 'correct horse' }
const FOREIGN = 'elsewhere.example'
const NOBODY: readonly Impu[] = []

async function open(
  algorithms: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'],
): Promise<{ front: FrontStage; passwords: PlayedPasswords }> {
  const passwords = new PlayedPasswords([
    { ...CAROLS, realm: REALM, impus: [CAROL] },
    { ...CAROLS, realm: FOREIGN, impus: [CAROL] },
    { username: `mallory@${REALM}`, realm: REALM, password: 'evil horse', impus: [MALLORY] },
  ])
  return { front: await FrontStage.open(passwords, algorithms), passwords }
}

function challengesOf(response: SipResponse): readonly [ReadChallenge, ReadChallenge] {
  const [first, second] = response.headers.getAll('WWW-Authenticate').map(readChallenge)
  assert.ok(first && second && response.status === 401, String(response.status))
  return [first, second]
}

/** The first challenge, of SHA-256, for somebody who says nothing of himself. */
async function challenged({ send }: FrontStage): Promise<ReadChallenge> {
  return challengesOf(await send(subscribeRequest({ from: ANONYMOUS }), NOBODY))[0]
}

function withProof(proof: string, o: { readonly to?: Impu; readonly hides?: boolean } = {}): SipRequest {
  const privacy = o.hides ? [['Privacy', 'id'] as const] : []
  return subscribeRequest({ ...o, from: ANONYMOUS, headers: [['Authorization', proof], ...privacy] })
}

test('a watcher proves himself by SHA-256 or by MD5 (RFC 8760 section 2.3, RFC 3261 section 22.4)', async () => {
  const { front } = await open()
  for (const at of [0, 1]) {
    const challenge = challengesOf(await front.send(subscribeRequest({ from: ANONYMOUS }), NOBODY))[at]
    assert.ok(challenge)
    const proof = authorization(challenge, { ...CAROLS, uri: ALICE })
    assert.equal((await front.send(withProof(proof), NOBODY)).status, 200)
  }
  const state = front.owner.presentity(ALICE) ?? assert.fail('she is watched')
  const kept = [...state.subscriptions.values()]
  assert.deepEqual(
    kept.map(({ proof, watcher, isHidden }) => [proof?.impi, proof?.algorithm, watcher, isHidden]),
    [
      [CAROLS.username, 'SHA-256', [CAROL], true],
      [CAROLS.username, 'MD5', [CAROL], true],
    ],
  )
  assert.deepEqual(
    kept.map((one) => identityOf(one).kind),
    ['authenticated', 'authenticated'],
  )
  const events = front.audited.filter(({ event }) => event.startsWith('auth.'))
  assert.deepEqual(
    events.map(({ event, detail }) => `${event} ${detail?.algorithm}`),
    ['auth.success SHA-256', 'auth.success MD5'],
  )
})

test('a hash that is not offered proves nothing, though the HSS knows it (RFC 8760 section 2.3)', async () => {
  const { front } = await open(['SHA-256'])
  const asked = await front.send(subscribeRequest({ from: ANONYMOUS }), NOBODY)
  const challenges = asked.headers.getAll('WWW-Authenticate').map(readChallenge)
  assert.equal(challenges.length, 1)
  const [challenge] = challenges
  const weaker = authorization({ ...(challenge ?? assert.fail()), algorithm: 'MD5' }, { ...CAROLS, uri: ALICE })
  assert.equal((await front.send(withProof(weaker), NOBODY)).status, 401)
})

test('openssl agrees on the response (RFC 7616 section 3.4.1, RFC 8760 section 2.1)', async () => {
  const { front } = await open()
  const { realm, nonce } = await challenged(front)
  const h = (text: string): string => {
    const printed = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: text, encoding: 'utf8' })
    return printed.split(' ')[0] ?? ''
  }
  const { username, password } = CAROLS
  const response = h(`${h(`${username}:${realm}:${password}`)}:${nonce}:00000001:c0:auth:${h(`SUBSCRIBE:${ALICE}`)}`)
  const proof =
    `Digest realm="${realm}",username="${username}",uri="${ALICE}",nonce="${nonce}",nc=00000001,cnonce="c0",` +
    `qop=auth,algorithm=SHA-256,response="${response}"`
  assert.equal((await front.send(withProof(proof), NOBODY)).status, 200)
})

test('a proof counts once: again with the same count it is a copy, and stale (RFC 7616 section 3.4.5)', async () => {
  const { front } = await open()
  const proof = authorization(await challenged(front), { ...CAROLS, uri: ALICE })
  const request = withProof(proof)
  const first = await front.send(request, NOBODY)
  assert.equal(first.status, 200)
  const repeated = await front.send(again(request), NOBODY)
  assert.deepEqual([repeated.status, repeated.headers.get('To')], [200, first.headers.get('To')], 'a retransmission')
  const [fresh] = challengesOf(await front.send(withProof(proof), NOBODY))
  assert.ok(fresh.isStale)
  const next = authorization(fresh, { ...CAROLS, uri: ALICE, nc: '00000001' })
  assert.equal((await front.send(withProof(next), NOBODY)).status, 200)
})

test('two arrivals of one request while the HSS is asked are one', async () => {
  const { front } = await open()
  const request = withProof(authorization(await challenged(front), { ...CAROLS, uri: ALICE }))
  const both = await Promise.all([front.send(request, NOBODY), front.send(again(request), NOBODY)])
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  )
  assert.equal(front.owner.presentity(ALICE)?.subscriptions.size, 1)
})

test('a nonce that is too old, or of another server, is stale, and nobody is asked for the password', async () => {
  const { front, passwords } = await open()
  const challenge = await challenged(front)
  const proof = authorization(challenge, { ...CAROLS, uri: ALICE })
  const elsewhere = authorization({ ...challenge, nonce: 'of-another-server' }, { ...CAROLS, uri: ALICE })
  front.stage.clock.advance(300_001)
  for (const stale of [proof, elsewhere]) {
    const [fresh] = challengesOf(await front.send(withProof(stale), NOBODY))
    assert.ok(fresh.isStale)
  }
  assert.deepEqual(passwords.asked, [])
})

test('a wrong password, a wrong user and one who is unknown hear the same (RFC 7616 section 5.7)', async () => {
  const heard: string[] = []
  for (const who of [
    { ...CAROLS, password: 'wrong' },
    { username: `nobody@${REALM}`, password: CAROLS.password },
    { username: 'no impi', password: CAROLS.password },
    { ...CAROLS, uri: BOB },
    { ...CAROLS, method: 'PUBLISH' },
  ]) {
    const { front, passwords } = await open()
    const proof = authorization(await challenged(front), { uri: ALICE, ...who })
    const response = await front.send(withProof(proof), NOBODY)
    const fields = response.headers.getAll('WWW-Authenticate').map((line) => line.replace(/nonce="[^"]*"/, ''))
    heard.push(`${response.status} ${fields.join()}`)
    assert.equal(passwords.asked.length, 1, 'and the HSS is asked for each')
    assert.equal(front.audited.at(-1)?.reason, 'proof-wrong')
  }
  assert.equal(new Set(heard).size, 1, heard.join('\n'))
  assert.match(heard[0] ?? '', /^401 (?!.*stale)/)
})

test('after five wrong proofs no more are looked at for a while, of that source alone (RFC 7616 section 5.7)', async () => {
  const { front, passwords } = await open()
  const guess = async (password: string, asserted: readonly Impu[] = NOBODY): Promise<number> => {
    const challenge = await challenged(front)
    const proof = authorization(challenge, { username: CAROLS.username, password, uri: ALICE })
    return (await front.send(withProof(proof, { hides: true }), asserted)).status
  }
  const answers: number[] = []
  for (let tries = 0; tries < 7; tries++) answers.push(await guess(`guess ${tries}`))
  assert.deepEqual(answers, [401, 401, 401, 401, 401, 403, 403])
  assert.equal(await guess(CAROLS.password), 403, 'nor is he told that he is right at last')
  assert.equal(passwords.asked.length, 5)
  assert.equal(await guess(CAROLS.password, [CAROL]), 200, 'carol herself comes from elsewhere')
  await front.stage.pass(60_000)
  assert.equal(await guess(CAROLS.password), 200)
})

test('a proof for another realm proves nothing here, and is not looked at (RFC 3261 section 22.1)', async () => {
  const { front, passwords } = await open()
  const challenge = await challenged(front)
  const foreign = authorization({ ...challenge, realm: FOREIGN }, { ...CAROLS, uri: ALICE })
  assert.equal((await front.send(withProof(foreign), NOBODY)).status, 401)
  assert.deepEqual(passwords.asked, [])
  const own = authorization(challenge, { ...CAROLS, uri: ALICE_TEL })
  const headers = [['Authorization', foreign] as const, ['Authorization', own] as const]
  const both = subscribeRequest({ from: ANONYMOUS, headers })
  assert.equal((await front.send(both, NOBODY)).status, 200, 'beside it the right one counts, for any of her names')
})

test('who is asserted and hides proves to be himself, and nobody else', async () => {
  const { front } = await open()
  const other = { username: `mallory@${REALM}`, password: 'evil horse', uri: ALICE }
  const asMallory = authorization(await challenged(front), other)
  assert.equal((await front.send(withProof(asMallory, { hides: true }), [CAROL])).status, 401)
  const asCarol = authorization(await challenged(front), { ...CAROLS, uri: ALICE })
  assert.equal((await front.send(withProof(asCarol, { hides: true }), [CAROL])).status, 200)
})

test('nobody is let in while nobody can check: 503 with Retry-After; what cannot be read is 400', async () => {
  const { front, passwords } = await open()
  passwords.isAway = true
  const proof = authorization(await challenged(front), { ...CAROLS, uri: ALICE })
  const away = await front.send(withProof(proof), NOBODY)
  assert.equal(away.status, 503)
  assert.match(away.headers.get('Retry-After') ?? '', /^\d+$/)
  passwords.isAway = false
  assert.equal((await front.send(withProof(proof), NOBODY)).status, 200, 'the count was not used')
  assert.equal((await front.send(withProof('Digest username="a'), NOBODY)).status, 400)
  assert.equal((await front.send(withProof('Bearer abc'), NOBODY)).status, 401)
})

test('who proved himself does so again when he refreshes and leaves (RFC 6665 section 4.2.1.2)', async () => {
  const { front } = await open()
  const challenge = await challenged(front)
  const request = withProof(authorization(challenge, { ...CAROLS, uri: ALICE }))
  const accepted = await front.send(request, NOBODY)
  await settled()
  const [first] = challengesOf(await front.send(resubscribeRequest(request, accepted, '3600'), NOBODY))
  const leave = (nc: string, over: Readonly<Record<string, string>> = {}): SipRequest => {
    const refresh = resubscribeRequest(request, accepted, '0')
    refresh.headers.set('Authorization', authorization(first, { ...CAROLS, uri: refresh.uri, nc, ...over }))
    return refresh
  }
  const foreign = { username: `mallory@${REALM}`, password: 'evil horse' }
  assert.equal((await front.send(leave('00000001', foreign), NOBODY)).status, 403, 'another is not he')
  assert.equal((await front.send(leave('00000002', { uri: ALICE }), NOBODY)).status, 401, 'for another request')
  assert.equal((await front.send(leave('00000003'), NOBODY)).status, 200)
  assert.equal(front.owner.presentity(ALICE)?.subscriptions.size ?? 0, 0)
})

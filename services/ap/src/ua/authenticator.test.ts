import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { parseImpi, parseImpu, Secret, seededRandom, VirtualClock } from '@rollcall/core'
import { type DigestAlgorithm, formatCredentials, ha1Of, NonceKeeper, responseOf } from '@rollcall/digest'
import type { HttpRequest } from '@rollcall/runtime'
import { Passwords } from '../hss/passwords.ts'
import { type Naf, nafOf } from '../nafs/naf.ts'
import { NafKeys } from '../zn/naf-keys.ts'
import { Authenticator } from './authenticator.ts'
import { passwordScope } from './challenges.ts'
import type { UaOutcome } from './outcome.ts'
import type { Means } from './user.ts'

const FQDN = 'xcap.home1.net'
const REALM = 'home1.net'
const TARGET = '/pres-rules/users/sip:alice@home1.net/index'
const ksNaf = new Secret(Buffer.alloc(32, 7))
const password = new Secret(Buffer.from('wonderland'))
const clock = new VirtualClock()
const nonces = new NonceKeeper({ clock, random: seededRandom('ap'), lifetimeMs: 60_000, nonceCountMax: 100 })

const authenticator = new Authenticator({
  clock,
  nonces,
  passwordRealm: REALM,
  passwordAlgorithms: ['SHA-256'],
  keys: new NafKeys({
    clock,
    ask: async () => ({
      ksNaf: Buffer.from(ksNaf.reveal()),
      keyExpiryMs: BigInt(clock.now() + 60_000),
      bootstrapTimeMs: 0n,
      impi: '',
      uss: [{ gsid: 3, type: 3, nafGroup: '', uids: ['sip:alice@home1.net', 'no uri'], flags: [] }],
    }),
  }),
  passwords: new Passwords({
    clock,
    ask: async ({ username, realm }) => ({
      impi: 'alice_private@home1.net',
      impus: ['sip:alice@home1.net'],
      canonicalImpu: '',
      ha1: [{ algorithm: 2, value: Buffer.from(ha1Of({ algorithm: 'SHA-256', username, realm, password }).reveal()) }],
    }),
  }),
})

function nafWith(...means: Means[]): Naf {
  return nafOf({ fqdn: FQDN }, { means, uaProtocols: ['http-digest'], targets: [] })
}

/** A request whose proof and nonce are right: only whether it is open decides. */
function asked(
  naf: Naf,
  by: 'gba-digest' | 'password',
  o: { name?: string; isWrong?: boolean } = {},
): Promise<UaOutcome> {
  const isGba = by === 'gba-digest'
  const algorithm: DigestAlgorithm = isGba ? 'MD5' : 'SHA-256'
  const [username, realm] = isGba
    ? [o.name ?? 'YQ==@bsf.home1.net', naf.gbaRealm]
    : [o.name ?? 'alice_private@home1.net', REALM]
  const nonce = nonces.issue(isGba ? naf.gbaRealm : passwordScope(naf, REALM))
  const fields = { algorithm, nonce, uri: TARGET, qop: 'auth', nc: '00000001', cnonce: 'c' } as const
  const secret = isGba ? new Secret(Buffer.from(ksNaf.reveal().toString('base64'))) : password
  const ha1 = ha1Of({ algorithm, username, realm, password: secret })
  const response = responseOf({ ...fields, ha1, method: o.isWrong ? 'PUT' : 'GET' })
  const request: HttpRequest = {
    method: 'GET',
    target: TARGET,
    headers: { authorization: formatCredentials({ ...fields, username, realm, response }) },
    rawHeaders: [],
    body: Buffer.alloc(0),
    socket: new Socket(),
    traceparent: '',
    signal: new AbortController().signal,
  }
  const connection = { kind: 'certificate', suiteName: '', serverName: FQDN, shown: { kind: 'none' } } as const
  return authenticator.authenticate(request, naf, connection)
}

for (const means of ['gba-digest', 'password'] as const) {
  test(`a right proof by ${means} counts where the operator opened that, and nowhere else (TS 33.222 clause 5.2, TS 33.141 clause 5.1.4)`, async () => {
    const open = await asked(nafWith(means), means)
    assert.equal(open.kind, 'user')
    assert.deepEqual(open.kind === 'user' && open.user, {
      means,
      identities: [parseImpu('sip:alice@home1.net')],
      impi: means === 'password' ? parseImpi('alice_private@home1.net') : undefined,
      flags: [],
    })
    const others: Means[] = ['gba-digest', 'gba-psk', 'client-certificate', 'password']
    const closed = await asked(nafWith(...others.filter((other) => other !== means)), means)
    assert.deepEqual(closed, { kind: 'challenge', reason: 'wrong-realm', isStale: false })
  })
}

test('who tries a password on everybody is refused after some, whatever names come; keys of GBA go on', async () => {
  const naf = nafWith('password', 'gba-digest')
  const reasons = new Map<string, number>()
  for (let n = 0; n < 250; n += 1) {
    const outcome = await asked(naf, 'password', { name: `user${n}@home1.net`, isWrong: true })
    assert.notEqual(outcome.kind, 'user')
    const reason = outcome.kind === 'user' ? '' : outcome.reason
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  assert.deepEqual(
    [...reasons],
    [
      ['wrong-response', 200],
      ['too-many-tries', 50],
    ],
  )
  assert.equal((await asked(naf, 'password')).kind, 'refused')
  assert.equal((await asked(naf, 'gba-digest')).kind, 'user')
  clock.advance(5 * 60_000)
  assert.equal((await asked(naf, 'password')).kind, 'user', 'it is forgotten in time')
})

test('a name that is longer than any is refused before anything is kept of it', async () => {
  const naf = nafWith('password', 'gba-digest')
  for (const by of ['password', 'gba-digest'] as const) {
    const outcome = await asked(naf, by, { name: `${'x'.repeat(300)}@home1.net` })
    assert.deepEqual(outcome, { kind: 'refused', reason: 'malformed', status: 400 })
  }
})

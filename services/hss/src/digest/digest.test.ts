import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Secret } from '@rollcall/core'
import { DigestAlgorithm } from '@rollcall/proto-gen/digest'
import { SealedRecordError } from '@rollcall/store'
import { setGuss } from '../admin/guss.ts'
import { setDigestPassword } from '../admin/set-digest-password.ts'
import type { HssContext } from '../context.ts'
import {
  DigestCredentialsUnknownError,
  SubscriberInvalidError,
  SubscriberUnknownError,
  TooManyPasswordsError,
} from '../errors.ts'
import { sealHa1 } from '../subscribers/digest-seal.ts'
import { privateUserOf } from '../subscribers/subscriber.ts'
import { ALICE, alice, createHss, createSealer, IMPI, REALM } from '../subscribers/testing/fixtures.ts'
import { ha1sOf } from './ha1.ts'
import { lookupCredentials } from './lookup.ts'

const TABLET = `001010000000002@${REALM}`
const PASSWORD = 'correct horse'

async function createDigest() {
  const hss = await createHss()
  await hss.context.repository.add(alice())
  return hss
}

function set(context: HssContext, o: { impi?: string; realm?: string; password?: string } = {}) {
  const { impi = IMPI, realm = REALM, password = PASSWORD } = o
  return setDigestPassword(context, { impi, realm, password: Buffer.from(password) })
}

const lookup = (context: HssContext, username: string = IMPI, realm: string = REALM) =>
  lookupCredentials(context, { username, realm })

test('a password is found by user and realm, as its hashes (RFC 7616 section 3.4.2, RFC 8760 section 2)', async () => {
  const { context } = await createDigest()
  assert.deepEqual(await set(context), { realms: [REALM] })
  const found = await lookup(context)
  const a1 = `${IMPI}:${REALM}:${PASSWORD}`
  const hashed = (name: string): Buffer => hash(name, a1, 'buffer')
  assert.deepEqual(found, {
    impi: IMPI,
    impus: [ALICE, 'tel:+15550100'],
    canonicalImpu: ALICE,
    ha1: [
      { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_MD5, value: hashed('md5') },
      { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_SHA_256, value: hashed('sha256') },
      { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_SHA_512_256, value: hashed('sha512-256') },
    ],
  })
})

test('nobody learns whether a user or only the password is missing (RFC 7616 section 3.4)', async () => {
  const { context, counted } = await createDigest()
  await set(context)
  for (const [username, realm] of [
    [TABLET, REALM],
    [`nobody@${REALM}`, REALM],
    [IMPI, 'other'],
    ['', ''],
    ['no impi', REALM],
  ]) {
    await assert.rejects(lookup(context, username, realm), DigestCredentialsUnknownError)
  }
  assert.deepEqual(counted, new Array(5).fill('digest-unknown'))
})

test('a password is replaced, taken away, and kept in a few realms (TS 33.141 clause 5.1.4)', async () => {
  const { context, audited } = await createDigest()
  await set(context)
  const [before] = (await lookup(context)).ha1
  await set(context, { password: 'another horse' })
  const [after] = (await lookup(context)).ha1
  assert.notDeepEqual(after, before)
  for (let count = 0; count < 7; count++) await set(context, { realm: `realm ${count}` })
  await assert.rejects(set(context, { realm: 'one too many' }), TooManyPasswordsError)
  const { realms } = await set(context, { password: '' })
  assert.equal(realms.length, 7)
  await assert.rejects(lookup(context), DigestCredentialsUnknownError)
  assert.deepEqual(audited.slice(0, 1), [
    { event: 'credentials.changed', outcome: 'allowed', reason: 'password-set', identities: { impi: IMPI } },
  ])
  assert.equal(audited.at(-1)?.reason, 'password-removed')
})

test('a realm or password that makes no sense is refused, and repeated nowhere (RFC 7616 section 3.3)', async () => {
  const { context } = await createDigest()
  for (const realm of ['', 'a"b', 'a\\b', 'a\r\nb', 'é', 'x'.repeat(254)]) {
    await assert.rejects(set(context, { realm }), SubscriberInvalidError, realm)
  }
  for (const password of ['short', 'x'.repeat(257)]) {
    await assert.rejects(set(context, { password }), (error) => {
      assert.ok(error instanceof SubscriberInvalidError)
      assert.ok(!inspect(error).includes(password))
      return true
    })
  }
  await assert.rejects(set(context, { impi: `nobody@${REALM}` }), SubscriberUnknownError)
})

test('neither password nor hash lies open in the store', async () => {
  const { context, bucket } = await createDigest()
  await set(context)
  const { ha1 } = await lookup(context)
  const kept: Buffer[] = []
  for await (const key of bucket.keys('sub')) kept.push((await bucket.get(key))?.value ?? Buffer.alloc(0))
  assert.ok(kept.length > 0)
  for (const value of kept) {
    assert.ok(!value.includes(PASSWORD))
    for (const one of ha1) assert.ok(!value.includes(one.value) && !value.includes(one.value.toString('hex')))
  }
})

test('a sealed password opens for its own user and realm alone', async () => {
  const { context } = await createDigest()
  await set(context)
  const subscriber = await context.repository.findByImpi(IMPI)
  const user = subscriber && privateUserOf(subscriber, IMPI)
  const [password] = user?.digestPasswords ?? []
  assert.ok(subscriber && user && password)
  const open = (as: typeof user, realm: string) =>
    context.repository.ha1Of(subscriber, { ...as, digestPasswords: [{ ...password, realm }] }, realm)
  assert.ok(open(user, REALM))
  assert.throws(() => open(user, 'other'), SealedRecordError)
  const tablet = subscriber.privateUsers.find(({ impi }) => impi === TABLET)
  assert.ok(tablet)
  assert.throws(() => open(tablet, REALM), SealedRecordError)
})

test('passwords and settings outlive a change of the profile and of each other', async () => {
  const { context } = await createDigest()
  await set(context)
  await setGuss(context, { impi: IMPI, guss: { lifetimeSeconds: 60, uss: [] } })
  await context.repository.setPresencePolicy(ALICE, { defaultAllow: false, allow: [], block: [] })
  await set(context, { realm: 'other' })
  const subscriber = await context.repository.findByImpi(IMPI)
  assert.equal(subscriber && privateUserOf(subscriber, IMPI)?.guss?.lifetimeSeconds, 60)
  assert.equal((await lookup(context)).impi, IMPI)
})

test('the hashes of a password never print', async () => {
  const sealer = await createSealer()
  const ha1 = ha1sOf({ username: IMPI, realm: REALM, password: new Secret(Buffer.from(PASSWORD)) })
  const sealed = sealHa1(sealer, { recordKey: 'sub.x', impi: IMPI, realm: REALM }, ha1)
  assert.ok(!inspect({ ha1, sealed }).includes(ha1.reveal().toString('hex')))
})

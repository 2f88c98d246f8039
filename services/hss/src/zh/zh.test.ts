import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerChallenge, type IsimState, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { InvalidGussError } from '@rollcall/gba'
import { ZhResult } from '@rollcall/proto-gen/zh'
import { getGuss, setGuss } from '../admin/guss.ts'
import type { HssContext } from '../context.ts'
import { multimediaAuth } from '../cx/multimedia-auth.ts'
import { RequestInvalidError, SubscriberUnknownError } from '../errors.ts'
import { ALICE, alice, createHss, IMPI, K, OPC, REALM, SERVER_NAME } from '../subscribers/testing/fixtures.ts'
import { multimediaAuthForGba } from './multimedia-auth.ts'

const NONE = Buffer.alloc(0)
const TEL = 'tel:+15550100'
const keys = { k: new Secret(K), opc: new Secret(OPC) }

async function createZh() {
  const hss = await createHss()
  await hss.context.repository.add(alice())
  return hss
}

async function vectorOf(context: HssContext, o: { impi?: string; auts?: Buffer; rand?: Buffer } = {}) {
  const { impi = IMPI, auts = NONE, rand = NONE } = o
  const { result, vector, guss } = await multimediaAuthForGba(context, { impi, auts, rand })
  assert.equal(result, ZhResult.ZH_RESULT_SUCCESS)
  assert.ok(vector && guss)
  return { vector, guss }
}

function answer(vector: { rand: Buffer; autn: Buffer }, state: IsimState) {
  return answerChallenge(keys, { rand: vector.rand, autn: vector.autn, state })
}

test('MAR over Zh gives a vector that the ISIM accepts, and the keys it makes (TS 29.109 clause 4.3, TS 33.220 clause 4.4.5)', async () => {
  const { context } = await createZh()
  const { vector } = await vectorOf(context)
  const said = answer(vector, newIsimState())
  assert.ok(said.kind === 'success')
  assert.deepEqual(
    [said.res, said.ck, said.ik].map((key) => key.reveal()),
    [vector.xres, vector.ck, vector.ik],
  )
})

test('a vector for bootstrapping is fresh also after later ones for registration (TS 33.102 clause C.3.4)', async () => {
  const { context } = await createZh()
  const { vector } = await vectorOf(context)
  let state = newIsimState()
  for (let count = 0; count < 3; count++) {
    const about = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, resync: NONE }
    const registration = (await multimediaAuth(context, about)).vector
    assert.ok(registration)
    const said = answer(registration, state)
    assert.ok(said.kind === 'success')
    state = said.state
  }
  assert.equal(answer(vector, state).kind, 'success')
})

test('AUTS over Zh resynchronises, a forged one changes nothing (TS 33.102 clause 6.3.5)', async () => {
  const { context, audited } = await createZh()
  const ahead: IsimState = { sqnArray: newIsimState().sqnArray.map(() => 1_000_000n) }
  const { vector: old } = await vectorOf(context)
  const refusal = answer(old, ahead)
  assert.ok(refusal.kind === 'sync-failure')
  const forged = Buffer.from(refusal.auts)
  forged[13] = (forged[13] ?? 0) ^ 1
  const { vector: unchanged } = await vectorOf(context, { auts: forged, rand: old.rand })
  assert.equal(answer(unchanged, ahead).kind, 'sync-failure')
  const { vector: fresh } = await vectorOf(context, { auts: refusal.auts, rand: old.rand })
  assert.equal(answer(fresh, ahead).kind, 'success')
  assert.deepEqual(
    audited.map(({ event, reason }) => [event, reason]),
    [
      ['auth.resynchronisation', 'wrong-mac-s'],
      ['auth.resynchronisation', 'sqn-reset'],
    ],
  )
})

test('AUTS and RAND come together and whole (TS 29.109 clause 4.3)', async () => {
  const { context } = await createZh()
  const bad = [
    { auts: Buffer.alloc(14), rand: NONE },
    { auts: NONE, rand: Buffer.alloc(16) },
    { auts: Buffer.alloc(16), rand: Buffer.alloc(14) },
    { auts: Buffer.alloc(14), rand: Buffer.alloc(17) },
  ]
  for (const o of bad) await assert.rejects(multimediaAuthForGba(context, { impi: IMPI, ...o }), RequestInvalidError)
})

test('an unknown IMPI is 5401 and audited (TS 29.109 clause 6.2)', async () => {
  const { context, audited, counted } = await createZh()
  for (const impi of [`nobody@${REALM}`, 'no impi', '']) {
    const said = await multimediaAuthForGba(context, { impi, auts: NONE, rand: NONE })
    assert.deepEqual(said, { result: ZhResult.ZH_RESULT_IDENTITY_UNKNOWN, vector: undefined, guss: undefined })
  }
  assert.equal(counted.length, 3)
  assert.deepEqual(
    audited.map(({ event }) => event),
    ['identity.refused', 'identity.refused', 'identity.refused'],
  )
})

test('by default the identities of the set may be used at proxies and presence (TS 29.109 annex B)', async () => {
  const { context } = await createZh()
  const { guss } = await vectorOf(context)
  assert.deepEqual(
    guss.uss.map(({ gsid, uids }) => [gsid, ...uids]),
    [
      [2, ALICE, TEL],
      [3, ALICE, TEL],
    ],
  )
  assert.deepEqual(await getGuss(context, { impi: IMPI }), { guss, isProvisioned: false })
})

test('a barred identity is in no settings (TS 33.220 clause 4.4.6)', async () => {
  const { context } = await createZh()
  const { serviceProfile } = alice()
  const publicIdentities = serviceProfile.publicIdentities.map((one) => ({
    ...one,
    barringIndication: one.identity === TEL,
  }))
  await context.repository.setServiceProfile('alice', { ...serviceProfile, publicIdentities })
  const { guss } = await vectorOf(context)
  assert.deepEqual(
    guss.uss.flatMap(({ uids }) => uids),
    [ALICE, ALICE],
  )
})

test('settings of an operator count, but for identities of somebody else (TS 33.220 clause 4.4.6)', async () => {
  const { context, audited } = await createZh()
  const uss = { gsid: 2, type: 2, nafGroup: 'A', flags: [1] }
  const uids = ['SIP:alice@IMS.mnc001.mcc001.3gppnetwork.org', `sip:bob@${REALM}`, 'account 17']
  const { guss: set } = await setGuss(context, { impi: IMPI, guss: { lifetimeSeconds: 60, uss: [{ ...uss, uids }] } })
  assert.deepEqual(set, { lifetimeSeconds: 60, uss: [{ ...uss, uids: [ALICE, 'account 17'] }] })
  const { guss } = await vectorOf(context)
  assert.deepEqual(guss, set)
  assert.deepEqual(await getGuss(context, { impi: IMPI }), { guss: set, isProvisioned: true })
  await setGuss(context, { impi: IMPI, guss: undefined })
  assert.equal((await getGuss(context, { impi: IMPI })).isProvisioned, false)
  assert.deepEqual(
    audited.map(({ event, reason }) => [event, reason]),
    [
      ['credentials.changed', 'guss-set'],
      ['credentials.changed', 'guss-removed'],
    ],
  )
})

test('settings that make no sense, or of nobody, are refused (TS 29.109 annex A)', async () => {
  const { context } = await createZh()
  const uss = [{ gsid: 2, type: 2, nafGroup: '', uids: [], flags: [] }]
  await assert.rejects(setGuss(context, { impi: IMPI, guss: { lifetimeSeconds: 0, uss } }), InvalidGussError)
  await assert.rejects(setGuss(context, { impi: `nobody@${REALM}`, guss: undefined }), SubscriberUnknownError)
  await assert.rejects(getGuss(context, { impi: `nobody@${REALM}` }), SubscriberUnknownError)
})

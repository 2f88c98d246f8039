import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_DIGEST_UA_PROTOCOL, ksNaf, nafId, readBootstrappingInfo, uaProtocolOfSuiteName } from '@rollcall/gba'
import { nafSettings } from '../config.ts'
import { BtidUnknownError, NafForeignError, RequestInvalidError } from '../errors.ts'
import { ALICE, BSF, BsfBench, IMPI, terminal, XCAP } from '../testing/fixtures.ts'
import { bootstrappingInfo } from './bootstrapping-info.ts'

const OTHER_NAF = 'conference.example.org'
const ap = (...dnsNames: string[]) => ({
  peer: { role: 'ap', spiffeId: 'spiffe://rollcall.test/ns/ims/sa/ap', dnsNames } as const,
  traceparent: '',
})

async function createZn(settings: Partial<Parameters<typeof nafSettings>[0]> = {}) {
  const none = {
    ROLLCALL_BSF_IMPI_NAFS: undefined,
    ROLLCALL_BSF_NAF_GROUPS: undefined,
    ROLLCALL_BSF_NAF_GSIDS: undefined,
  }
  const bench = new BsfBench({ nafs: nafSettings({ ...none, ...settings }) })
  const ue = terminal()
  const answer = ue.answer(await bench.challenge(ue))
  const said = await bench.send(answer.authorization)
  const { btid } = readBootstrappingInfo(Buffer.from(said.body ?? ''))
  const key = { ks: answer.ks, rand: answer.rand, impi: IMPI }
  bench.audited.length = 0
  bench.counted.length = 0
  const ask = (o: Partial<Parameters<typeof bootstrappingInfo>[1]> = {}, call = ap(XCAP)) =>
    bootstrappingInfo(
      bench.context,
      { btid, nafFqdn: XCAP, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [], ...o },
      call,
    )
  return { bench, btid, key, ask }
}

test('a NAF gets the key that the UE makes for it, and how long it lives (TS 33.220 clause 4.5.3)', async () => {
  const { bench, key, ask } = await createZn()
  for (const uaProtocol of [HTTP_DIGEST_UA_PROTOCOL, uaProtocolOfSuiteName('TLS_AES_128_GCM_SHA256')]) {
    const said = await ask({ uaProtocol, nafFqdn: XCAP.toUpperCase() })
    assert.deepEqual(said.ksNaf, ksNaf({ ...key, nafId: nafId(XCAP, uaProtocol) }).reveal())
    assert.equal(said.keyExpiryMs, BigInt(bench.clock.now() + 3_600_000))
    assert.equal(said.bootstrapTimeMs, BigInt(bench.clock.now()))
  }
  assert.deepEqual(bench.audited.map(({ event, identities, detail }) => [event, identities?.impi, detail?.naf])[0], [
    'key.told',
    IMPI,
    XCAP,
  ])
})

test('a NAF gets no key of another NAF (TS 33.220 clause 4.5.3)', async () => {
  const { bench, ask } = await createZn()
  for (const names of [[], [OTHER_NAF], [`*.${XCAP.slice(5)}`], [`x${XCAP}`], [XCAP.slice(1)]]) {
    await assert.rejects(ask({}, ap(...names)), NafForeignError)
  }
  await ask({}, ap(OTHER_NAF, XCAP))
  assert.equal(bench.audited[0]?.event, 'key.refused')
  assert.deepEqual(bench.audited[0]?.detail, { naf: XCAP, peer: ap().peer.spiffeId })
})

test('an unknown B-TID and an ended one are the same to a NAF (TS 29.109 clause 6.2, TS 33.220 clause 4.4.7)', async () => {
  const { bench, btid, ask } = await createZn()
  for (const other of [
    `AAAAAAAAAAAAAAAAAAAAAA==@${BSF}`,
    btid.toLowerCase(),
    `${btid}x`,
    '',
    'no b-tid',
    'a'.repeat(999),
  ]) {
    await assert.rejects(ask({ btid: other }), BtidUnknownError, other)
  }
  bench.clock.advance(3_600_000 - 1)
  await ask()
  // The store may be late to forget; the key is not.
  for (const entry of bench.contexts.entries.values()) entry.endMs += 60_000
  bench.clock.advance(1)
  await assert.rejects(ask(), BtidUnknownError)
  assert.equal(bench.counted.at(-1), 'refused zn btid-expired')
})

test('the private identity is told only to whom a setting names (TS 33.220 clause 4.5.3)', async () => {
  const { ask } = await createZn()
  assert.equal((await ask()).impi, '')
  const named = { ROLLCALL_BSF_IMPI_NAFS: `${OTHER_NAF},${XCAP.toUpperCase()}` }
  const { ask: askNamed } = await createZn(named)
  assert.equal((await askNamed()).impi, IMPI)
})

test('a NAF gets the settings that it asks for and that are for its group (TS 33.220 clause 4.5.3)', async () => {
  const { ask } = await createZn()
  assert.deepEqual((await ask()).uss, [])
  const [uss] = (await ask({ gsids: [2] })).uss
  assert.deepEqual([uss?.gsid, uss?.uids], [2, [ALICE]])
  const grouped = { ROLLCALL_BSF_NAF_GROUPS: `${XCAP}=ut` }
  const { bench, ask: askGrouped } = await createZn(grouped)
  assert.equal(bench.context.nafs.groupOf(XCAP), 'ut')
  assert.equal((await askGrouped({ gsids: [2, 3, 4] })).uss.length, 2)
})

test('a NAF gets the settings that the operator lets it ask for, and no others (TS 33.220 clause 4.5.3)', async () => {
  const gsids = [2, 3]
  const told = async (setting: string) =>
    (await (await createZn({ ROLLCALL_BSF_NAF_GSIDS: setting })).ask({ gsids })).uss.map(({ gsid }) => gsid)
  assert.deepEqual(await told(`${OTHER_NAF}=2,${XCAP.toUpperCase()}=2+3`), [2, 3])
  assert.deepEqual(await told(`${XCAP}=3`), [3])
  assert.deepEqual(await told(`${XCAP}=23`), [])
  assert.deepEqual(await told(`${OTHER_NAF}=2+3`), [], 'a NAF that is not named')
  const { bench, key, ask } = await createZn({ ROLLCALL_BSF_NAF_GSIDS: `${XCAP}=3` })
  const said = await ask({ gsids })
  assert.deepEqual(
    said.ksNaf,
    ksNaf({ ...key, nafId: nafId(XCAP, HTTP_DIGEST_UA_PROTOCOL) }).reveal(),
    'the key it gets',
  )
  assert.equal(bench.audited[0]?.detail?.gsids, '3')
})

test('a NAF gets the key of the ME alone: there is none of the UICC (TS 33.220 clause 5.3.3, TS 24.109 clause 5.1)', async () => {
  const { key, ask } = await createZn()
  const said = await ask()
  const id = nafId(XCAP, HTTP_DIGEST_UA_PROTOCOL)
  assert.deepEqual(said.ksNaf, ksNaf({ ...key, nafId: id }).reveal())
  const ofUicc = ksNaf({ ...key, nafId: id, label: 'gba-u' }).reveal()
  assert.ok(!Object.values(said).some((value) => Buffer.isBuffer(value) && value.equals(ofUicc)))
})

test('what makes no sense is refused before anything is looked up (TS 29.109 clause 5.2)', async () => {
  const { bench, ask } = await createZn()
  const bad = [
    { nafFqdn: '' },
    { nafFqdn: 'a b\r\n' },
    { uaProtocol: Buffer.alloc(4) },
    { uaProtocol: Buffer.from('0100000100', 'hex') },
    { gsids: Array.from({ length: 17 }, (_, n) => n) },
  ]
  for (const o of bad) await assert.rejects(ask(o), RequestInvalidError)
  assert.deepEqual(new Set(bench.counted), new Set(['refused zn invalid']))
})

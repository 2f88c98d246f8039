import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HTTP_DIGEST_UA_PROTOCOL } from '@rollcall/gba'
import { callUnary } from '@rollcall/runtime'
import { type IsimStore, memoryIsimStore, parseCredentials, Ut } from '@rollcall/ue'
import { BsfStack } from './testing/bsf-stack.ts'
import { ALICE, IMPI, KEYS, REALM, XCAP } from './testing/fixtures.ts'

const stack = await BsfStack.start('127.43.4.1')
after(() => stack[Symbol.asyncDispose]())
await stack.startBsf(0)
const { http, https } = stack.placeOf(0)

function openUt(bsf: string, isimStore: IsimStore): Promise<Ut> {
  const credentials = parseCredentials(
    {
      impi: IMPI,
      impus: [ALICE],
      domain: REALM,
      k: KEYS.k.reveal().toString('hex'),
      opc: KEYS.opc.reveal().toString('hex'),
      algorithm: 'milenage',
      pcscf: 'udp:127.43.4.2:15060',
      encapsulation: '127.43.4.2:14500',
      localAddress: '127.43.4.2',
      instance: 'urn:gsma:imei:90420156-000001-0',
      bsf,
      caFile: stack.caFile,
    },
    'a test',
  )
  return Ut.open({ credentials, isimStore, settings: { usesTmpi: true } })
}

test('our own UE bootstraps over HTTP and HTTPS, again and again (TS 24.109 clause 4.2)', async () => {
  const isim = memoryIsimStore()
  const zn = await stack.zn(0)
  const seen = new Set<string>()
  for (const bsf of [`http://${http}`, `https://${https}`, `http://${http}`]) {
    await using ut = await openUt(bsf, isim)
    const { btid } = await ut.bootstrap()
    seen.add(btid)
    const request = { btid, nafFqdn: XCAP, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [3] }
    const told = await callUnary(zn.bootstrappingInfo.bind(zn), request)
    assert.deepEqual(told.uss[0]?.uids, [ALICE])
  }
  assert.equal(seen.size, 3)
})

test('our own UE calls itself by its TMPI the second time, and by its IMPI when that is unknown (TS 33.220 annex B.4)', async () => {
  await using ut = await openUt(`http://${http}`, memoryIsimStore())
  const first = await ut.bootstrap()
  const second = await ut.bootstrap()
  assert.notEqual(second.btid, first.btid)
})

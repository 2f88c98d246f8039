import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_DIGEST_UA_PROTOCOL, readBootstrappingInfo } from '@rollcall/gba'
import { callUnary, RpcError } from '@rollcall/runtime'
import { BsfStack } from './testing/bsf-stack.ts'
import { BSF, IMPI, KEYS, XCAP } from './testing/fixtures.ts'
import { UbTerminal } from './testing/ub-terminal.ts'

test('while the store is away nobody is answered 200; what was stays, and all goes on (TS 33.220 clause 4.5)', async () => {
  await using stack = await BsfStack.start('127.43.5.1')
  const bsf = await stack.startBsf(0, { ROLLCALL_BSF_SOURCE_BURST: '1000', ROLLCALL_BSF_IMPI_BURST: '1000' })
  const ue = new UbTerminal(IMPI, KEYS)
  const zn = await stack.zn(0)
  const get = (authorization: string) =>
    fetch(`http://${stack.placeOf(0).http}/`, { headers: { authorization }, signal: AbortSignal.timeout(20_000) })
  const ask = (btid: string) =>
    callUnary(
      zn.bootstrappingInfo.bind(zn),
      { btid, nafFqdn: XCAP, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [] },
      { deadlineMs: 20_000 },
    )
  const challenge = async () => (await get(ue.first(BSF))).headers.get('www-authenticate') ?? ''
  const said = await get(ue.answer(await challenge()).authorization)
  const { btid } = readBootstrappingInfo(new Uint8Array(await said.arrayBuffer()))
  const { authorization } = ue.answer(await challenge())

  await stack.store.server.kill('SIGKILL')
  const refused = await get(authorization)
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5'])
  const unavailable = await ask(btid).catch((error: unknown) => error)
  assert.ok(unavailable instanceof RpcError)
  assert.equal(unavailable.code, 'RPC_UNAVAILABLE')
  assert.equal(bsf.ready().ready, false)

  await stack.store.server.start()
  while (!bsf.ready().ready) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal((await ask(btid)).ksNaf.length, 32)
  assert.equal((await get(authorization)).status, 200)
})

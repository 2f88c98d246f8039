import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_DIGEST_UA_PROTOCOL, readBootstrappingInfo } from '@rollcall/gba'
import { callUnary } from '@rollcall/runtime'
import { BsfStack } from './testing/bsf-stack.ts'
import { BSF, IMPI, KEYS, XCAP } from './testing/fixtures.ts'
import { UbTerminal } from './testing/ub-terminal.ts'

const WITHOUT_LIMITS = {
  ROLLCALL_BSF_SOURCE_BURST: '100000',
  ROLLCALL_BSF_IMPI_BURST: '100000',
}

test('kill -9 of a BSF loses no context that was answered 200 (TS 33.220 clause 4.5.2)', async () => {
  await using stack = await BsfStack.start('127.43.3.1')
  const victim = await stack.startProcess(0, WITHOUT_LIMITS)
  const { http } = stack.placeOf(0)
  const ue = new UbTerminal(IMPI, KEYS)
  const answered: string[] = []
  let isDead = false
  const get = async (authorization: string) => await fetch(`http://${http}/`, { headers: { authorization } })
  const bootstrapOn = async (): Promise<void> => {
    while (!isDead) {
      try {
        const challenge = (await get(ue.first(BSF))).headers.get('www-authenticate') ?? ''
        const said = await get(ue.answer(challenge).authorization)
        assert.equal(said.status, 200)
        answered.push(readBootstrappingInfo(new Uint8Array(await said.arrayBuffer())).btid)
      } catch (error) {
        if (isDead) return
        throw error
      }
      if (answered.length === 25) {
        isDead = true
        await stack.kill(victim)
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, bootstrapOn))
  assert.ok(answered.length >= 25)
  await stack.startBsf(1)
  const zn = await stack.zn(1)
  for (const btid of answered) {
    const request = { btid, nafFqdn: XCAP, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [] }
    assert.equal((await callUnary(zn.bootstrappingInfo.bind(zn), request)).ksNaf.length, 32)
  }
})

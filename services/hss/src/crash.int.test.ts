import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { answerChallenge, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { CxResult, type CxServiceClient } from '@rollcall/proto-gen/cx'
import { callUnary, RpcError } from '@rollcall/runtime'
import { ALICE, adminAlice, IMPI, K, OPC, SERVER_NAME } from './subscribers/testing/fixtures.ts'
import { HssStack } from './testing/hss-stack.ts'

let stack: HssStack

before(async () => {
  stack = await HssStack.start('127.1.6.3', { isProcess: true })
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

test('killed amid its work the HSS comes back with all that it answered, and gives no number twice', async () => {
  const admin = await stack.admin()
  const cx: CxServiceClient = await stack.cx()
  await callUnary(admin.addSubscriber.bind(admin), { subscriber: adminAlice() })
  const keys = { k: new Secret(K), opc: new Secret(OPC) }
  let isim = newIsimState()
  for (let life = 0; life < 3; life++) {
    const asking = Array.from({ length: 40 }, async () => {
      const request = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, resync: Buffer.alloc(0) }
      try {
        return (await callUnary(cx.multimediaAuth.bind(cx), request)).vector
      } catch (error) {
        assert.ok(error instanceof RpcError)
        return undefined
      }
    })
    await asking[0]
    await stack.killProcess()
    const vectors = (await Promise.all(asking)).filter((vector) => vector !== undefined)
    for (const { rand, autn } of vectors) {
      const answer = answerChallenge(keys, { rand, autn, state: isim })
      assert.equal(answer.kind, 'success')
      if (answer.kind === 'success') isim = answer.state
    }
    await stack.startProcess()
    const shown = await callUnary(admin.getSubscriber.bind(admin), { key: ALICE })
    assert.equal(shown.subscriber?.subscriptionId, 'alice')
    const { result } = await callUnary(cx.userAuthorization.bind(cx), {
      impi: IMPI,
      impu: ALICE,
      visitedNetwork: '',
      type: 1,
    })
    assert.equal(result, CxResult.CX_RESULT_FIRST_REGISTRATION)
  }
})

test('SIGTERM drains and ends with 0', async () => {
  assert.equal(await stack.killProcess('SIGTERM'), 0)
})

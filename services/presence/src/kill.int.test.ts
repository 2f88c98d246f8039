import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import { ALICE, BOB, CAROL, MALLORY, NO_BODY, pidf } from './testing/inputs.ts'
import { again, publishRequest, subscribeRequest } from './testing/requests.ts'
import { Stack } from './testing/stack.ts'

const PRESENTITIES = [ALICE, BOB, CAROL, MALLORY]
const CHAINS_EACH = 4
const KILLS = 3
const BETWEEN_KILLS_MS = 700

/** Sends a request until it is answered, as an edge does that lost its answer: the UE's branch stays. */
async function answered(stack: Stack, request: SipRequest, identities: readonly string[]): Promise<SipResponse> {
  for (let attempt = request; ; attempt = again(request)) {
    const response = await stack.send(attempt, identities).catch(() => undefined)
    if (response && response.status !== 503) return response
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('kill -9 of it and of NATS amid PUBLISH and SUBSCRIBE: no 2xx is lost, nothing is made twice (decision 002)', async () => {
  await using stack = await Stack.start('127.1.5.2', { isProcess: true })
  let isOver = false
  let published = 0
  const modify = async (presentity: (typeof PRESENTITIES)[number], chain: number): Promise<void> => {
    let etag: string | undefined
    for (let i = 0; !isOver || i < 2; i++) {
      const body = pidf(`chain ${chain}, change ${i}`)
      const request = publishRequest({ for: presentity, body, ...(etag ? { etag } : {}) })
      const response = await answered(stack, request, [presentity])
      // 412: an accepted change was lost, or one was made twice, so that its entity tag is not the one we know.
      assert.equal(response.status, 200, `${presentity}, chain ${chain}, change ${i}`)
      etag = response.headers.get('SIP-ETag')
      published++
    }
    const refresh = publishRequest({ for: presentity, body: NO_BODY, etag: etag ?? '' })
    assert.equal((await answered(stack, refresh, [presentity])).status, 200)
  }
  let subscribed = 0
  const subscribe = async (): Promise<void> => {
    while (!isOver) {
      const response = await answered(stack, subscribeRequest(), [BOB])
      assert.equal(response.status, 200)
      subscribed++
    }
  }
  const work = PRESENTITIES.flatMap((presentity) =>
    Array.from({ length: CHAINS_EACH }, (_, chain) => modify(presentity, chain)),
  )
  const all = Promise.all([...work, subscribe()])
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_KILLS_MS))
    await stack.killProcess('SIGKILL')
    await stack.startProcess()
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_KILLS_MS))
    await stack.store.server.kill('SIGKILL')
    await stack.store.server.restart()
  }
  await new Promise((resolve) => setTimeout(resolve, BETWEEN_KILLS_MS))
  isOver = true
  await all
  assert.ok(published > 100, `only ${published} changes`)
  assert.equal(await gauge('rollcall_presence_publications'), PRESENTITIES.length * CHAINS_EACH)
  assert.equal(await gauge('rollcall_presence_subscriptions'), subscribed)
  await stack.killProcess('SIGTERM')
})

async function gauge(name: string): Promise<number> {
  const text = await (await fetch('http://127.1.5.2:17103/metrics')).text()
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
}
